"""Real processes, each written as a few lines of Python."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from harness.execution import follow, take_snapshot
from harness.wire.events import Event

SAY = "import os, sys, time; say = lambda text: os.write(int(os.environ['HARNESS_EVENTS_FD']), text.encode())\n"
LINE = '{"fields": {}, "kind": "run_start", "time": 1.0}\\n'


def events_of(tmp_path: Path, program: str, *, deadline: float = 30.0, run_id: str = "test") -> list[Event]:
    return list(
        follow(
            [sys.executable, "-c", SAY + program],
            run_id=run_id,
            folder=tmp_path,
            variables=dict(os.environ),
            deadline_seconds=deadline,
        )
    )


def kinds(events: list[Event]) -> list[str]:
    return [event.kind for event in events]


def marked(run_id: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("HARNESS_RUN_ID") == run_id and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def test_events_arrive_and_output_goes_to_the_log(tmp_path: Path) -> None:
    events = events_of(tmp_path, f"print('hello'); print('oops', file=sys.stderr); say('{LINE}')")
    assert kinds(events) == ["run_start", "worker_exit"]
    assert events[-1].fields == {"returncode": 0}
    assert sorted((tmp_path / "worker.log").read_text().split()) == ["hello", "oops"]


def test_a_line_that_is_no_event_is_kept_as_garbled(tmp_path: Path) -> None:
    events = events_of(tmp_path, f"say('what?\\n{LINE}half a li')")
    assert kinds(events) == ["garbled", "run_start", "garbled", "worker_exit"]
    assert events[0].fields["line"] == "what?"


def test_the_deadline_ends_a_worker_that_ignores_sigterm(tmp_path: Path) -> None:
    # Inherited, because a program that is still starting at its deadline has no handler of its own yet.
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        events = events_of(tmp_path, "time.sleep(1000)", deadline=0.5)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert kinds(events) == ["reaped", "worker_exit"]
    assert events[-1].fields == {"returncode": -9}


def test_a_child_that_outlives_its_parent_cannot_hold_the_pipe(tmp_path: Path) -> None:
    events = events_of(tmp_path, f"say('{LINE}')\nif os.fork() == 0: time.sleep(1000)", run_id="orphan")
    assert kinds(events) == ["run_start", "worker_exit"]
    assert marked("orphan") == []


def test_a_child_that_left_the_group_cannot_hold_the_pipe_either(tmp_path: Path) -> None:
    program = f"say('{LINE}')\nif os.fork() == 0:\n  os.setsid()\n  time.sleep(1000)"
    events = events_of(tmp_path, program, run_id="runaway")
    assert kinds(events) == ["run_start", "worker_exit"]
    assert marked("runaway") == []


def test_leaving_the_loop_early_leaves_no_process_behind(tmp_path: Path) -> None:
    program = f"say('{LINE}')\nos.fork()\ntime.sleep(1000)"
    arriving = follow(
        [sys.executable, "-c", SAY + program],
        run_id="early",
        folder=tmp_path,
        variables=dict(os.environ),
        deadline_seconds=60,
    )
    assert next(arriving).kind == "run_start"
    arriving.close()
    assert marked("early") == []


def test_a_command_that_does_not_exist_leaves_no_descriptor_open(tmp_path: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError):
        list(follow(["/no/such"], run_id="x", folder=tmp_path, variables={}, deadline_seconds=1))
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_snapshot_holds_what_a_worker_needs_and_nothing_else(tmp_path: Path) -> None:
    model = tmp_path / "toy"
    model.mkdir()
    (model / "plain.py").write_text("x = 1\n")
    first = take_snapshot(tmp_path / "a", model)
    assert first == take_snapshot(tmp_path / "b", model)
    assert sorted(path.name for path in (tmp_path / "a" / "harness").iterdir()) == ["__init__.py", "wire", "worker"]
    (model / "plain.py").write_text("x = 2\n")
    assert take_snapshot(tmp_path / "c", model) != first


def test_a_snapshot_puts_the_modules_of_a_family_beside_the_model_and_digests_them(tmp_path: Path) -> None:
    model, family = tmp_path / "toy", tmp_path / "toys"
    for folder, file in ((model, "plain.py"), (family, "shared.py"), (family, "README.md")):
        folder.mkdir(exist_ok=True)
        (folder / file).write_text("x = 1\n")
    alone = take_snapshot(tmp_path / "alone", model)
    first = take_snapshot(tmp_path / "a", model, family)
    assert sorted(path.name for path in (tmp_path / "a" / "models" / "toy").iterdir()) == ["plain.py", "shared.py"]
    (family / "shared.py").write_text("x = 2\n")
    assert len({alone, first, take_snapshot(tmp_path / "b", model, family)}) == 3
