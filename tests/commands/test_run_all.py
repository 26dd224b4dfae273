"""``harness run --all``: many models, one report; each with the real command line and real workers."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import Workspace

PUBLISHED = """
[[reference]]
recipe = "fine"
metric = "score"
kind = "published"
values = [0.902, 0.910, 0.911, 0.903, 0.895]
how = "written down by this test"
source = "this test"
"""


def add_tagged(workspace: Workspace, name: str, *, published: bool = False) -> None:
    """A toy whose recipe ``fine`` is tagged ``quick``."""
    toml = workspace.add_toy(name=name) / "model.toml"
    toml.write_text(toml.read_text().replace("[recipes.fine]\n", '[recipes.fine]\ntags = ["quick"]\n'))
    if published:
        (workspace.root / "baselines").mkdir(exist_ok=True)
        (workspace.root / "baselines" / f"{name}.toml").write_text(PUBLISHED)


def test_every_tagged_recipe_is_run_the_published_number_first(workspace: Workspace) -> None:
    add_tagged(workspace, "aardvark")
    add_tagged(workspace, "zebra", published=True)
    ended = workspace.harness("run", "--all", "--recipe", "quick", "--json")
    assert ended.returncode == 4, ended.stderr  # the aardvark has nothing to compare with
    assert ended.stderr.index("zebra/fine in") < ended.stderr.index("aardvark/fine in")
    assert {verdict["model"]: verdict["status"] for verdict in ended.json["verdicts"]} == {
        "zebra": "PASS",
        "aardvark": "NO_BASELINE",
    }
    page = Path(ended.json["report"]).read_text()
    assert "zebra" in page
    assert "aardvark" in page


def test_what_does_not_fit_into_the_budget_is_said_and_is_not_green(workspace: Workspace) -> None:
    add_tagged(workspace, "zebra", published=True)
    assert workspace.harness("run", "--all", "--recipe", "quick").returncode == 0
    ended = workspace.harness("run", "--all", "--recipe", "quick", "--budget", "0.0001")
    assert ended.returncode == 4
    assert "zebra/fine: the budget does not last for 1 run(s)" in ended.stderr
    assert len(workspace.runs()) == 1


def test_a_model_that_cannot_be_started_does_not_stop_the_others(workspace: Workspace) -> None:
    add_tagged(workspace, "zebra", published=True)
    toml = workspace.add_toy(name="broken") / "model.toml"
    text = toml.read_text().replace("[recipes.fine]\n", '[recipes.fine]\ntags = ["quick"]\ndataset = "no-such-set"\n')
    toml.write_text(text)
    ended = workspace.harness("run", "--all", "--recipe", "quick", "--json")
    assert ended.returncode == 3
    assert "broken/fine is not run: no data set is called no-such-set" in ended.stderr
    assert [verdict["status"] for verdict in ended.json["verdicts"]] == ["PASS"]


def test_an_unknown_tag_and_a_model_beside_all_are_refused(workspace: Workspace) -> None:
    unknown = workspace.harness("run", "--all", "--recipe", "qick")
    assert unknown.returncode == 2
    assert "no model has a recipe called or tagged 'qick'" in unknown.stderr
    assert workspace.harness("run", "softmax", "--all").returncode == 2
    assert workspace.harness("run").returncode == 2
