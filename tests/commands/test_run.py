"""The main job and its faults, each with the real command line and a real worker."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from harness.commands.carry_out import KEPT_MEMORY
from tests.conftest import Ended, Workspace

BASELINE = """
[[reference]]
recipe = "fine"
metric = "score"
kind = "recorded"
values = [0.902, 0.910, 0.911, 0.903, 0.895]
source = "this test"
reason = "the toy's own values"
"""


def bad_run(workspace: Workspace, behaviour: str) -> Ended:
    workspace.add_toy(behaviour)
    return workspace.harness("run", "toy", "--recipe", "bad", "--json")


def test_a_model_dropped_into_a_workspace_runs_and_passes_without_editing_anything(workspace: Workspace) -> None:
    workspace.add_toy()
    (workspace.root / "baselines").mkdir()
    (workspace.root / "baselines" / "toy.toml").write_text(BASELINE)
    ended = workspace.harness("run", "toy", "--json")
    assert ended.returncode == 0, ended.stderr
    (run,) = ended.json["runs"]
    (verdict,) = ended.json["verdicts"]
    assert run["status"] == "finished"
    assert run["metrics"] == {"score": pytest.approx(0.902)}
    assert verdict["status"] == "PASS"
    assert verdict["n"] == 1
    assert Path(ended.json["report"]).read_text().count("toy") > 1
    assert set(verdict) == {
        "model", "recipe", "framework", "environment", "metric", "status", "measured", "n", "reference",
        "low", "high", "detectable", "needs", "sentence",
    }  # fmt: skip
    assert set(run) == {
        "id", "model", "recipe", "framework", "environment", "seed", "status", "metrics", "path",
        "relation", "parent", "initial",
    }  # fmt: skip


def test_the_terminal_ends_with_a_sentence_for_each_verdict(workspace: Workspace) -> None:
    workspace.add_toy()
    ended = workspace.harness("run", "toy")
    assert ended.returncode == 4
    assert "NO_BASELINE" in ended.stdout
    assert "harness baseline record toy" in ended.stdout
    assert "toy" in ended.stderr
    assert "\x1b[" not in ended.stdout + ended.stderr


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(workspace: Workspace) -> None:
    workspace.add_toy()
    for _ in range(2):
        assert workspace.harness("run", "toy", "--seed", "1", "--max-seeds", "1").returncode == 4
    assert workspace.harness("run", "toy", "--seed", "2", "--max-seeds", "1").returncode == 4
    records = [json.loads((run / "record.json").read_text()) for run in workspace.runs()]
    first, again, other = (record["digests"]["weights_final"] for record in records)
    assert first == again != other


def test_a_recorded_baseline_turns_the_next_run_green(workspace: Workspace) -> None:
    workspace.add_toy()
    assert workspace.harness("run", "toy", "--seeds", "3").returncode == 4
    refused = workspace.harness("baseline", "record", "toy", "--runs", "5", "--reason", "first")
    assert refused.returncode == 2
    assert "--seeds 5" in refused.stderr
    recorded = workspace.harness("baseline", "record", "toy", "--reason", "first")
    assert recorded.returncode == 0, recorded.stderr
    fresh = workspace.harness("run", "toy", "--json")
    assert fresh.returncode == 0
    judged = workspace.harness("report", "--json")
    assert judged.returncode == 0
    # The runs that made the baseline are no evidence.
    assert [verdict["n"] for verdict in judged.json["verdicts"]] == [len(fresh.json["runs"])]


def test_runs_kept_as_earlier_ones_count_after_they_are_gone(workspace: Workspace) -> None:
    workspace.add_toy()
    (workspace.root / "baselines").mkdir()
    baseline = workspace.root / "baselines" / "toy.toml"
    baseline.write_text(BASELINE.replace("0.895]", "0.800]"))
    assert workspace.harness("run", "toy", "--seeds", "2", "--max-seeds", "2").returncode == 4
    kept = workspace.harness("baseline", "record", "toy", "--earlier", "--reason", "begun on another machine")
    assert kept.returncode == 0, kept.stderr
    shutil.rmtree(workspace.state / "runs")

    ended = workspace.harness("run", "toy", "--json")
    assert [run["seed"] for run in ended.json["runs"]] == [0, 2]
    (verdict,) = ended.json["verdicts"]
    assert verdict["n"] == 3
    assert "3 run(s), 1 of them earlier ones" in verdict["sentence"]


def test_an_undecided_verdict_asks_for_more_seeds_up_to_the_cap(workspace: Workspace) -> None:
    workspace.add_toy()
    (workspace.root / "baselines").mkdir()
    wide = BASELINE.replace("0.895]", "0.800]")
    (workspace.root / "baselines" / "toy.toml").write_text(wide)
    ended = workspace.harness("run", "toy", "--json")
    assert ended.returncode == 4
    assert [run["seed"] for run in ended.json["runs"]] == [0, 1, 2]
    assert ended.json["verdicts"][0]["status"] == "INCONCLUSIVE"


def test_a_speed_run_keeps_every_step_and_states_its_share_of_the_peak(workspace: Workspace) -> None:
    workspace.add_toy()
    ended = workspace.harness("run", "toy", "--recipe", "speed", "--threads", "1", "--json")
    record = json.loads((workspace.runs()[0] / "record.json").read_text())
    assert ended.json["runs"][0]["status"] == "finished"
    assert len(record["settings"]["cores"]) == 1  # pinned
    assert len(record["step_seconds"]) == 12
    assert record["warmup_steps"] == 2
    assert record["measurement"]["matmul_flops_per_second"] > 1e9
    assert ended.json["verdicts"][0]["status"] in ("NO_BASELINE", "INVALID")


def test_a_worker_keeps_freed_memory_and_a_user_who_tunes_the_allocator_is_obeyed(workspace: Workspace) -> None:
    workspace.add_toy()
    for tuned in ({}, {"GLIBC_TUNABLES": "glibc.malloc.arena_max=1"}):
        workspace.harness("run", "toy", "--max-seeds", "1", **tuned)
    ours, theirs = (json.loads((run / "record.json").read_text())["variables"] for run in workspace.runs())
    assert ours["GLIBC_TUNABLES"] == KEPT_MEMORY["GLIBC_TUNABLES"]
    assert theirs["GLIBC_TUNABLES"] == "glibc.malloc.arena_max=1"


@pytest.mark.parametrize(
    ("behaviour", "status", "told"),
    [
        ("nan", "error", "the training loss is nan in epoch 1"),
        ("raise", "error", "RuntimeError: the model broke"),
        ("killed", "crashed", "killed by signal 9"),
        ("exit", "crashed", "without a last word"),
    ],
)
def test_a_run_that_fails_is_an_error_with_its_reason(
    workspace: Workspace, behaviour: str, status: str, told: str
) -> None:
    ended = bad_run(workspace, behaviour)
    assert ended.returncode == 3
    assert ended.json["runs"][0]["status"] == status
    assert ended.json["verdicts"][0]["status"] == "ERROR"
    assert told in ended.json["verdicts"][0]["sentence"]


def test_a_metric_that_never_came_is_unmeasured(workspace: Workspace) -> None:
    ended = bad_run(workspace, "silent")
    assert ended.returncode == 3
    assert ended.json["verdicts"][0]["status"] == "UNMEASURED"


def test_a_worker_that_hangs_is_ended_at_its_deadline(workspace: Workspace) -> None:
    toml = workspace.add_toy("hang") / "model.toml"
    toml.write_text(toml.read_text().replace("deadline_minutes = 1", "deadline_minutes = 0.1"))
    ended = workspace.harness("run", "toy", "--recipe", "bad", "--json")
    assert ended.returncode == 3
    assert ended.json["runs"][0]["status"] == "timeout"
    assert "deadline of 6 s" in ended.json["verdicts"][0]["sentence"]


def test_what_a_worker_prints_is_never_read_as_a_result(workspace: Workspace) -> None:
    ended = bad_run(workspace, "chatter")
    assert ended.json["runs"][0]["status"] == "finished"
    assert ended.json["runs"][0]["metrics"]["score"] == pytest.approx(0.902)
    assert (workspace.runs()[0] / "worker.log").stat().st_size > 100_000


def test_garbage_on_the_wire_is_kept_and_counted(workspace: Workspace) -> None:
    ended = bad_run(workspace, "garbage")
    assert ended.json["runs"][0]["status"] == "finished"
    assert json.loads((workspace.runs()[0] / "record.json").read_text())["garbled_lines"] == 2


@pytest.mark.parametrize("behaviour", ["orphan", "runaway"])
def test_a_data_loader_that_outlives_its_parent_does_not_hold_the_run(workspace: Workspace, behaviour: str) -> None:
    ended = bad_run(workspace, behaviour)
    run_id = ended.json["runs"][0]["id"]
    assert ended.json["runs"][0]["status"] == "finished"
    for process in psutil.process_iter():
        try:
            assert process.environ().get("HARNESS_RUN_ID") != run_id or process.status() == psutil.STATUS_ZOMBIE
        except (psutil.Error, OSError):
            continue


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_is_marked_so_and_never_read_as_a_result(
    workspace: Workspace, number: signal.Signals
) -> None:
    workspace.add_toy("hang")
    process = subprocess.Popen(workspace.command("run", "toy", "--recipe", "bad"), stderr=subprocess.PIPE)
    wait_for_epochs(workspace)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    record = json.loads((workspace.runs()[0] / "record.json").read_text())
    assert process.returncode == 130
    assert b"interrupted" in told
    assert record["status"] == "interrupted"
    report = workspace.harness("report", "--json")
    assert report.returncode == 3
    assert report.json["verdicts"][0]["status"] == "ERROR"


def test_kill_9_of_the_harness_takes_the_worker_along_and_leaves_no_result(workspace: Workspace) -> None:
    workspace.add_toy("hang")
    process = subprocess.Popen(workspace.command("run", "toy", "--recipe", "bad"), stderr=subprocess.DEVNULL)
    pid = wait_for_epochs(workspace)
    process.kill()
    process.wait(60)
    assert has_ended(pid)
    assert not (workspace.runs()[0] / "record.json").exists()
    assert workspace.harness("report").returncode == 2


def test_two_runs_at_once_do_not_disturb_each_others_records(workspace: Workspace) -> None:
    workspace.add_toy()
    started = [
        subprocess.Popen(workspace.command("run", "toy", "--json"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    told = [json.loads(process.communicate(timeout=120)[0]) for process in started]
    assert len({ended["runs"][0]["id"] for ended in told}) == 2
    assert [ended["runs"][0]["status"] for ended in told] == ["finished", "finished"]
    assert all((run / "record.json").is_file() for run in workspace.runs())


@pytest.mark.parametrize("size", ["32k", "700k"])
def test_a_disk_that_fills_up_stops_the_run_with_what_and_where(workspace: Workspace, size: str) -> None:
    """32 kB do not hold the snapshot; 700 kB do, but not the events of a million epochs."""
    toml = workspace.add_toy() / "model.toml"
    toml.write_text(toml.read_text().replace("epochs = 3", "epochs = 1000000"))
    runs = workspace.state / "runs"
    runs.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(runs)], check=True)
    try:
        ended = workspace.harness("run", "toy", "--json")
        assert ended.returncode == 3
        assert "No space left on device" in ended.stderr
        assert str(runs) in ended.stderr
        assert not any((run / "record.json").exists() for run in workspace.runs())
        assert not [process for process in psutil.process_iter() if str(runs) in " ".join(_command(process))]
    finally:
        subprocess.run(["umount", str(runs)], check=True)


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def has_ended(pid: int) -> bool:
    """Whether a process that is no child of this one ends within half a minute; a zombie has."""
    try:
        process = psutil.Process(pid)
        psutil.wait_procs([process], timeout=30)
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_for_epochs(workspace: Workspace, called: str = "") -> int:
    """Wait until a worker has begun its second epoch, of a run with ``called`` in its name; its process id."""
    for _ in range(2400):
        for run in (run for run in workspace.runs() if called in run.name):
            events = run / "events.jsonl"
            lines = events.read_text().splitlines() if events.exists() else []
            kinds = [json.loads(line) for line in lines]
            if sum(event["kind"] == "epoch_start" for event in kinds) >= 2:
                return int(next(event["fields"]["pid"] for event in kinds if event["kind"] == "run_start"))
        time.sleep(0.05)
    raise AssertionError("the worker never began its second epoch")
