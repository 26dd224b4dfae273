"""``harness run --all``: many models, one report; each with the real command line and real workers."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from harness.commands.lanes import Lanes
from harness.wire.machine import usable_cores
from reports.progress import Progress
from tests.commands.test_run import wait_for_epochs
from tests.conftest import Workspace
from tests.core.examples import MACHINE, record

two_cores = pytest.mark.skipif(usable_cores() < 2, reason="on one core nothing goes on at once")

PUBLISHED = """
[[reference]]
recipe = "fine"
metric = "score"
kind = "published"
values = [0.902, 0.910, 0.911, 0.903, 0.895]
how = "written down by this test"
source = "this test"
"""


def tag(toml: Path, recipe: str, *, more: str = "") -> None:
    """The recipe takes part in ``--recipe quick``; ``more`` are further lines of it."""
    said = f"[recipes.{recipe}]\n"
    toml.write_text(toml.read_text().replace(said, f'{said}tags = ["quick"]\n{more}'))


def add_tagged(workspace: Workspace, name: str, *, published: bool = False) -> None:
    """A toy whose recipe ``fine`` is tagged ``quick``."""
    tag(workspace.add_toy(name=name) / "model.toml", "fine")
    if published:
        (workspace.root / "baselines").mkdir(exist_ok=True)
        (workspace.root / "baselines" / f"{name}.toml").write_text(PUBLISHED)


def publish_one_number(workspace: Workspace, name: str) -> None:
    """In place of five: one run cannot decide against it."""
    baseline = workspace.root / "baselines" / f"{name}.toml"
    baseline.write_text(baseline.read_text().replace("values = [0.902, 0.910, 0.911, 0.903, 0.895]", "value = 0.9"))


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


def test_what_this_machine_has_never_run_comes_first(workspace: Workspace) -> None:
    add_tagged(workspace, "known", published=True)
    assert workspace.harness("run", "--all", "--recipe", "quick").returncode == 0
    add_tagged(workspace, "unknown", published=True)
    toml = workspace.root / "models" / "unknown" / "model.toml"
    toml.write_text(toml.read_text().replace("[recipes.fine]\n", "[recipes.fine]\nminutes = { numpy = 5 }\n"))
    ended = workspace.harness("run", "--all", "--recipe", "quick", "--jobs", "1")
    assert ended.stderr.index("unknown/fine in") < ended.stderr.index(" known/fine in"), ended.stderr


def test_another_look_of_seconds_goes_before_the_first_one_of_an_hour(workspace: Workspace) -> None:
    for name in ("quickly", "slowly"):
        add_tagged(workspace, name, published=True)
        toml = workspace.root / "models" / name / "model.toml"
        minutes = {"quickly": 0.1, "slowly": 60}[name]
        toml.write_text(
            toml.read_text().replace("[recipes.fine]\n", f"[recipes.fine]\nminutes = {{ numpy = {minutes} }}\n")
        )
    publish_one_number(workspace, "quickly")
    ended = workspace.harness("run", "--all", "--recipe", "quick", "--jobs", "1")
    assert ended.stderr.rindex("quickly/fine in") < ended.stderr.index("slowly/fine in"), ended.stderr


def seeds(workspace: Workspace) -> list[int]:
    """Of every run there is, oldest first."""
    return [json.loads((path / "job.json").read_text())["seed"] for path in workspace.runs()]


@pytest.mark.parametrize(("edited", "made"), [("README.md", [0, 1, 2]), ("more.py", [0, 1, 0, 1, 2])])
def test_what_is_undecided_goes_on_with_its_next_seeds_unless_other_code_would_run(
    workspace: Workspace, edited: str, made: list[int]
) -> None:
    add_tagged(workspace, "zebra", published=True)
    publish_one_number(workspace, "zebra")
    command = ("run", "--all", "--recipe", "quick", "--json")
    first = workspace.harness(*command, "--seeds", "2", "--max-seeds", "2")
    assert [verdict["status"] for verdict in first.json["verdicts"]] == ["INCONCLUSIVE"]
    (workspace.root / "models" / "zebra" / edited).write_text("# what came out")
    again = workspace.harness(*command, "--max-seeds", "3")
    assert ("zebra/fine: goes on after 2 earlier run(s)" in again.stderr) == (made == [0, 1, 2])
    assert [verdict["n"] for verdict in again.json["verdicts"]] == [3]
    assert seeds(workspace) == made


def test_what_is_decided_is_made_anew(workspace: Workspace) -> None:
    add_tagged(workspace, "zebra", published=True)
    for _ in range(2):
        assert workspace.harness("run", "--all", "--recipe", "quick").returncode == 0
    assert seeds(workspace) == [0, 0]


def test_what_does_not_fit_into_the_budget_is_said_and_is_not_green(workspace: Workspace) -> None:
    add_tagged(workspace, "zebra", published=True)
    assert workspace.harness("run", "--all", "--recipe", "quick").returncode == 0
    ended = workspace.harness("run", "--all", "--recipe", "quick", "--budget", "0.0001")
    assert ended.returncode == 4
    assert "zebra/fine: the budget does not last for 1 run(s)" in ended.stderr
    assert len(workspace.runs()) == 1


def test_a_model_that_cannot_be_started_does_not_stop_the_others(workspace: Workspace) -> None:
    add_tagged(workspace, "zebra", published=True)
    tag(workspace.add_toy(name="broken") / "model.toml", "fine", more='dataset = "no-such-set"\n')
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


def add_single(workspace: Workspace, name: str, behaviour: str) -> None:
    """A toy of one thread whose recipe ``bad``, tagged ``quick``, behaves as told."""
    toml = workspace.add_toy(behaviour, name=name) / "model.toml"
    tag(toml, "bad")
    said = f'behaviour = "{behaviour}"\n'
    toml.write_text(toml.read_text().replace(said, f"{said}threads = 1\n"))


def statuses(workspace: Workspace) -> list[str]:
    return sorted(json.loads((path / "record.json").read_text())["status"] for path in workspace.runs())


@two_cores
def test_runs_go_on_beside_each_other_where_their_threads_fit(workspace: Workspace, tmp_path: Path) -> None:
    for name in ("left", "right"):
        add_single(workspace, name, "meet")
    (tmp_path / "here").mkdir()
    ended = workspace.harness("run", "--all", "--recipe", "quick", TOY_MEETING=str(tmp_path / "here"))
    assert statuses(workspace) == ["finished", "finished"], ended.stderr
    (tmp_path / "there").mkdir()
    alone = {"TOY_MEETING": str(tmp_path / "there"), "TOY_PATIENCE": "0.5"}
    ended = workspace.harness("run", "--all", "--recipe", "quick", "--jobs", "1", **alone)
    assert "nobody came" in ended.stderr
    assert statuses(workspace) == ["error", "finished", "finished", "finished"]


@two_cores
def test_seeds_of_one_model_go_on_beside_each_other(workspace: Workspace, tmp_path: Path) -> None:
    add_single(workspace, "left", "meet")
    (tmp_path / "here").mkdir()
    options = ("--recipe", "bad", "--seeds", "2", "--json")
    ended = workspace.harness("run", "left", *options, TOY_MEETING=str(tmp_path / "here"))
    assert [run["seed"] for run in ended.json["runs"]] == [0, 1]
    assert statuses(workspace) == ["finished", "finished"]


@two_cores
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_marks_every_run_that_goes_on(workspace: Workspace, number: signal.Signals) -> None:
    for name in ("left", "right"):
        add_single(workspace, name, "hang")
    process = subprocess.Popen(workspace.command("run", "--all", "--recipe", "quick"), stderr=subprocess.PIPE)
    workers = [wait_for_epochs(workspace, "-left-"), wait_for_epochs(workspace, "-right-")]
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert statuses(workspace) == ["interrupted", "interrupted"]
    assert not any(map(psutil.pid_exists, workers))


def test_a_speed_and_what_may_use_a_gpu_have_the_machine_for_themselves() -> None:
    lanes = Lanes(Progress(), None, threading.Event())
    lanes._machine, lanes._most = replace(MACHINE, cores=8, gpus=()), 8
    training = replace(record().job, mode="train", threads=3, device="auto")
    on_cpu = replace(training, device="cpu")
    assert lanes.hold(replace(training, threads=64))
    lanes._running = {Future(): (0, training)}
    assert lanes.hold(training)
    assert not lanes.hold(replace(training, threads=6))
    assert not lanes.hold(replace(training, mode="speed"))
    lanes._machine = replace(MACHINE, cores=8, gpus=("NVIDIA H100",))
    assert not lanes.hold(training)
    assert not lanes.hold(on_cpu)  # the one that goes on may use the GPU, and starve beside it
    lanes._running = {Future(): (0, on_cpu)}
    assert lanes.hold(on_cpu)
    lanes._most = 1
    assert not lanes.hold(on_cpu)
