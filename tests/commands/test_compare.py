"""Side by side, over time and again: compare, aa, check and history with real processes."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from tests.conftest import REPOSITORY, Workspace


@pytest.fixture
def two(workspace: Workspace) -> Workspace:
    """A workspace with the toy, and with numpy-2.4 twice: as it is, and doing four times the work."""
    workspace.add_toy()
    folder = workspace.root / "environments"
    folder.mkdir()
    for name, work in (("same", 8), ("slow", 32)):
        toml = (REPOSITORY / "environments" / "numpy-2.4.toml").read_text()
        (folder / f"{name}.toml").write_text(f'{toml}\n[variables]\nTOY_WORK = "{work}"\n')
        shutil.copy(REPOSITORY / "environments" / "numpy-2.4.lock", folder / f"{name}.lock")
    return workspace


def test_a_slower_environment_is_a_regression_seen_in_interleaved_pairs(two: Workspace) -> None:
    ended = two.harness("compare", "same", "slow", "--model", "toy", "--recipe", "speed", "--threads", "1", "--json")
    told = ended.json
    (verdict,) = told["verdicts"]
    if "after 3 pairs" in ended.stderr:
        assert verdict["status"] == "REGRESSION", ended.stderr
        assert ended.returncode == 1
        assert 2 < verdict["reference"] / verdict["measured"] < 8
    else:  # the machine that tests us was not ours: fewer than three pairs are usable, and decide nothing
        assert verdict["status"] in ("INVALID", "INCONCLUSIVE"), ended.stderr
    order = [run["environment"] for run in told["runs"]]
    assert order[:4] == ["same", "slow", "same", "slow"]  # side A first in the report, ABBA in time
    started = sorted(two.runs())[:4]
    assert [re.search(r"-(same|slow)-s", run.name)[1] for run in started] == ["same", "slow", "slow", "same"]  # type: ignore[index]


def test_equal_environments_train_the_same_weights(two: Workspace) -> None:
    ended = two.harness("compare", "numpy-2.4", "same", "--model", "toy", "--recipe", "fine", "--json")
    (verdict,) = ended.json["verdicts"]
    assert verdict["status"] == "PASS", ended.stderr
    assert "bit for bit" in verdict["sentence"]
    assert ended.returncode == 0
    assert len(ended.json["runs"]) == 2


def test_both_sides_the_same_is_told_what_to_do(two: Workspace) -> None:
    ended = two.harness("compare", "same", "same", "--model", "toy")
    assert ended.returncode == 2
    assert "harness aa toy --environment same" in ended.stderr


def test_aa_pairs_tell_the_noise_and_are_kept_for_the_next_comparison(two: Workspace) -> None:
    arguments = ("aa", "toy", "-n", "3", "-e", "same", "--threads", "1", "--json")
    ended = two.harness(*arguments)
    if ended.returncode == 3:
        assert "on a quiet machine" in ended.stderr
        return
    told = ended.json
    assert told["made"] >= told["pairs"] >= 3
    assert 0 <= told["false_alarms"] <= 1
    assert [change["change"] for change in told["changes"]] == [0.02, 0.03, 0.05, 0.10]
    records = [json.loads((run / "record.json").read_text()) for run in two.runs()]
    assert {record["pair"]["side"] for record in records} == {"A", "B"}
    assert two.harness(*arguments).json["pairs"] > told["pairs"]


def test_aa_of_a_recipe_without_speed_is_refused(two: Workspace) -> None:
    ended = two.harness("aa", "toy", "-e", "same", "--recipe", "fine")
    assert ended.returncode == 2
    assert "speed" in ended.stderr


def test_check_says_which_verdict_changed_and_why(workspace: Workspace) -> None:
    folder = workspace.add_toy()
    assert workspace.harness("run", "toy", "--seeds", "3").returncode == 4
    assert workspace.harness("baseline", "record", "toy", "--reason", "first").returncode == 0
    assert "no verdict changed" in workspace.harness("check").stdout  # the baseline's own runs are no evidence
    assert workspace.harness("run", "toy", "--seed", "3", "--seed", "4", "--seed", "5").returncode == 0
    assert "no verdict changed" in workspace.harness("check").stdout
    toml = folder / "model.toml"
    toml.write_text(toml.read_text().replace("margin = 0.05", "margin = 0.0001", 1))
    narrower = workspace.harness("check", "toy", "--json")
    (change,) = narrower.json["changes"]
    assert (change["before"], change["now"]) == ("PASS", "INCONCLUSIVE")
    assert change["reasons"] == ["the tolerance was ±5.00 pp, is ±0.01 pp"]
    assert narrower.returncode == 4


def test_history_shows_every_series_and_writes_a_page(workspace: Workspace) -> None:
    workspace.add_toy()
    assert workspace.harness("run", "toy").returncode == 4
    ended = workspace.harness("history", "toy", "--json")
    (series,) = ended.json["history"]
    assert series["metric"] == "score"
    assert len(series["nights"]) == 1
    assert ended.json["report"].endswith("history-toy.html")
    assert workspace.harness("history", "toy", "--metric", "scor").returncode == 2
    assert workspace.harness("history", "softmax").returncode == 2  # nothing is stored


def test_the_budget_ends_the_asking_and_says_so(workspace: Workspace) -> None:
    workspace.add_toy()
    (workspace.root / "baselines").mkdir()
    (workspace.root / "baselines" / "toy.toml").write_text(
        '[[reference]]\nrecipe = "fine"\nmetric = "score"\nkind = "recorded"\n'
        'values = [0.9, 0.99, 0.8]\nsource = "test"\nreason = "wide"\n'
    )
    ended = workspace.harness("run", "toy", "--budget", "0.0001", "--json")
    assert len(ended.json["runs"]) == 1
    assert "budget" in ended.stderr
    assert ended.returncode == 4
