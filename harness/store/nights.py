"""Nights: ``plan.json``, written before anything starts, and ``states.jsonl``, a line for each thing that happened."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.core.errors import HarnessError
from harness.core.night import CellState, Night, NightCell, changed_cell
from harness.store.folders import disk_faults, write_whole
from harness.wire.events import dumps

LOCKED = 75  # EX_TEMPFAIL of sysexits.h


class NightFolder:
    """What ``Night`` says is made again from the two files at each look: a killed process loses nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name

    def load(self) -> Night:
        """The plan with everything that happened since.  A torn last line is left out."""
        try:
            said = json.loads((self.path / "plan.json").read_text(encoding="utf-8"))
            cells = tuple(NightCell(**{**cell, "state": CellState(cell["state"])}) for cell in said.pop("cells"))
            night = Night(**said, cells=cells)
        except (OSError, ValueError, TypeError, KeyError) as error:
            hint = f"remove {self.path} and start another night"
            raise HarnessError(f"{self.path / 'plan.json'}: not a plan: {error}", hint=hint, code=3) from error
        for line in self._lines():
            night = _after(night, line)
        return night

    def mark(self, cell: NightCell) -> None:
        """What became of a cell."""
        told = {"group": cell.group, "state": cell.state.value, "reason": cell.reason, "attempts": cell.attempts}
        self._append(told)

    def finish(self, *, complete: bool) -> None:
        self._append({"finished": time.time(), "complete": complete})

    def reopen(self) -> None:
        self._append({"finished": None, "complete": False})

    def _append(self, told: Mapping[str, object]) -> None:
        with disk_faults(self.path), (self.path / "states.jsonl").open("a", encoding="utf-8") as file:
            if file.tell():
                file.write("\n")  # before the line: a torn one spoils no other
            file.write(json.dumps(told))

    def _lines(self) -> Iterator[dict[str, Any]]:
        path = self.path / "states.jsonl"
        for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
            try:
                yield json.loads(line)
            except ValueError:
                continue


def _after(night: Night, line: dict[str, Any]) -> Night:
    if "finished" in line:
        return dataclasses.replace(night, finished=line["finished"], complete=line["complete"])
    changes = {"state": CellState(line["state"]), "reason": line["reason"], "attempts": line["attempts"]}
    return changed_cell(night, tuple(line["group"]), **changes)


def create_night(state: Path, night: Night) -> NightFolder:
    """Store the plan, whole, before anything starts."""
    folder = NightFolder(_folder(state) / night.id)
    with disk_faults(folder.path):
        folder.path.mkdir(parents=True)
        write_whole(folder.path / "plan.json", dumps(dataclasses.asdict(night), indent=1) + "\n")
    return folder


def nights(state: Path) -> list[NightFolder]:
    """Oldest first.  A folder whose plan was never written holds nothing."""
    found = _folder(state)
    return [NightFolder(path.parent) for path in sorted(found.glob("*/plan.json"))] if found.is_dir() else []


@contextmanager
def one_night_at_a_time(state: Path) -> Iterator[None]:
    """Raises HarnessError with exit code 75 where another process holds a night here."""
    from filelock import FileLock, Timeout

    path = _folder(state) / "lock"
    with disk_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        hint = "wait for it, or use another workspace (--workspace DIR)"
        raise HarnessError(f"another process holds a night here ({path})", hint=hint, code=LOCKED) from None
    try:
        yield
    finally:
        lock.release()


def _folder(state: Path) -> Path:
    return state / "nights"
