"""``harness matrix``, with the real command line and real workers: what is stopped or killed is gone on with."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.commands.test_run import wait_for_epochs
from tests.conftest import REPOSITORY, Workspace

PLAN = ("--environments", "numpy-2.4,same", "--max-seeds", "1")


@pytest.fixture
def two(workspace: Workspace) -> Workspace:
    """A second environment, whose lock is the first one's."""
    folder = workspace.root / "environments"
    folder.mkdir()
    for suffix in ("toml", "lock"):
        text = (REPOSITORY / "environments" / f"numpy-2.4.{suffix}").read_text()
        (folder / f"same.{suffix}").write_text(text)
    return workspace


def test_a_matrix_ends_in_a_table_of_models_by_environments(two: Workspace) -> None:
    two.add_toy(name="one")
    two.add_toy(name="two")
    ended = two.harness("matrix", "--models", "one,two", *PLAN)
    assert ended.returncode == 4, ended.stderr  # nothing to compare with
    assert "night 2" in ended.stderr  # the plan is shown before anything starts
    rows = [line.split() for line in ended.stdout.splitlines() if line.startswith(("model/recipe  ", "one/", "two/"))]
    assert ["one/fine", "NO_BASELINE", "NO_BASELINE"] in rows
    assert ["two/fine", "NO_BASELINE", "NO_BASELINE"] in rows
    assert "4 of 4 cell(s) were judged" in ended.stdout
    assert len(two.runs()) == 4
    again = two.harness("matrix", "--models", "one", "--environments", "same", "--dry-run", "--json")
    (cell,) = again.json["night"]["cells"]
    assert cell["expected_seconds"] > 0  # by the run just made
    assert cell["abreast"] == 1  # it has every core
    assert len(two.runs()) == 4


def test_a_cell_that_cannot_be_made_does_not_stop_the_others(two: Workspace) -> None:
    two.add_toy(name="fine")
    toml = two.add_toy(name="broken") / "model.toml"
    toml.write_text(toml.read_text().replace("[recipes.fine]\n", '[recipes.fine]\ndataset = "no-such-set"\n'))
    ended = two.harness("matrix", "--models", "broken,fine", "--environments", "same", "--max-seeds", "1", "--json")
    cells = {cell["model"]: cell for cell in ended.json["night"]["cells"]}
    assert ended.returncode == 4  # an open verdict, beside the failure
    assert cells["broken"]["status"] == "failed"
    assert "no data set is called no-such-set" in cells["broken"]["reason"]
    assert cells["fine"]["status"] == "NO_BASELINE"


def test_a_worker_that_was_killed_is_tried_once_more(two: Workspace) -> None:
    two.add_toy("killed")
    ended = two.harness("matrix", "--models", "toy", "--recipes", "bad", *PLAN, "--json")
    assert ended.returncode == 3
    assert [cell["status"] for cell in ended.json["night"]["cells"]] == ["ERROR", "ERROR"]
    assert [cell["attempts"] for cell in ended.json["night"]["cells"]] == [2, 2]
    assert len(two.runs()) == 4
    assert len(ended.json["runs"]) == 2  # the last try of each counts


def test_speeds_of_two_environments_take_turns_and_are_compared(two: Workspace) -> None:
    two.add_toy()
    toml = two.root / "environments" / "same.toml"
    toml.write_text(f'{toml.read_text()}\n[variables]\nTOY_WORK = "32"\n')  # four times the work
    ended = two.harness("matrix", "--models", "toy", "--recipes", "speed", "--environments", "numpy-2.4,same", "--json")
    first, second = ended.json["night"]["cells"]
    assert (first["beside"], second["beside"], second["runs"]) == ("", "numpy-2.4", 6)
    assert "same in turns with numpy-2.4" in ended.stderr
    if second["status"] in ("INVALID", "not run"):  # the machine that tests us was not ours
        return
    (verdict,) = (each for each in ended.json["verdicts"] if each["environment"] == "same")  # NO_BASELINE is not said
    assert verdict["status"] == second["status"] == "REGRESSION", verdict["sentence"]
    assert 2 < verdict["reference"] / verdict["measured"] < 8
    records = [json.loads((run / "record.json").read_text()) for run in two.runs()]
    pairs = [record for record in records if record["pair"]]
    assert [record["pair"]["side"] for record in pairs[:4]] == ["A", "B", "B", "A"]
    assert {record["night"] for record in records} == {ended.json["night"]["id"]}
    assert len({record["pair"]["session"] for record in pairs}) == second["attempts"]
    assert all(record["settings"]["cores"] for record in records)  # pinned


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_matrix_is_gone_on_with_and_nothing_is_made_or_counted_twice(
    two: Workspace, number: signal.Signals
) -> None:
    two.add_toy(name="aardvark")
    folder = two.add_toy("hang")
    command = two.command("matrix", "--models", "aardvark,toy", "--recipes", "fine,bad", "--environments", "same")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    wait_for_epochs(two, "-toy-bad-")
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == (130 if number == signal.SIGTERM else -9)
    before = [run.name for run in two.runs() if (run / "record.json").exists() and "-toy-bad-" not in run.name]
    assert before
    night = next(path for path in (two.state / "nights").iterdir() if path.is_dir())
    if number == signal.SIGTERM:
        assert '"not run"' in (night / "states.jsonl").read_text()

    toml = folder / "model.toml"
    toml.write_text(toml.read_text().replace('"hang"', '"fine"'))
    ended = two.harness("matrix", "--resume", "--json")
    assert ended.json["night"]["id"] == night.name
    assert {cell["state"] for cell in ended.json["night"]["cells"]} == {"done"}
    runs = [(run["model"], run["recipe"], run["seed"]) for run in ended.json["runs"]]
    assert len(runs) == len(set(runs))
    assert set(before) <= {run["id"] for run in ended.json["runs"]}


def test_a_budget_leaves_cells_out_and_says_so(two: Workspace) -> None:
    two.add_toy()
    assert two.harness("matrix", "--models", "toy", *PLAN).returncode == 4
    ended = two.harness("matrix", "--models", "toy", *PLAN, "--budget", "0.0001")
    assert ended.returncode == 4
    assert "not run: the budget of 0.0001 minutes does not last" in ended.stdout
    assert len(two.runs()) == 2


def test_two_at_once_are_refused(two: Workspace) -> None:
    two.add_toy("hang")
    process = subprocess.Popen(
        two.command("matrix", "--models", "toy", "--recipes", "bad", "--environments", "same"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for_epochs(two)
    ended = two.harness("matrix", "--models", "toy", "--environments", "same")
    process.terminate()
    process.wait(60)
    assert ended.returncode == 75
    assert "another process holds a night here" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "name --models and --environments"),
        (("--models", "tyo", "--environments", "same"), "unknown model 'tyo'"),
        (("--models", "toy", "--environments", "sam"), "unknown environment 'sam'"),
        (("--models", "toy", "--environments", "same", "--recipes", "fin"), "have no cell in same"),
        (("--resume",), "no night is stored"),
        (("--resume", "--models", "toy"), "--resume goes on with a stored plan"),
    ],
)
def test_wrong_requests_are_told_what_is_wrong(two: Workspace, arguments: tuple[str, ...], told: str) -> None:
    two.add_toy()
    ended = two.harness("matrix", *arguments)
    assert ended.returncode == 2
    assert told in ended.stderr
    assert not two.runs()


def test_the_runs_of_a_night_carry_its_id(two: Workspace) -> None:
    two.add_toy()
    ended = two.harness("matrix", "--models", "toy", *PLAN, "--json")
    records = [json.loads((Path(run["path"]) / "record.json").read_text()) for run in ended.json["runs"]]
    assert {record["night"] for record in records} == {ended.json["night"]["id"]}
