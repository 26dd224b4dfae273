"""The checkpoints of a run folder: which is the newest, and is it whole.  What is in them only a worker reads."""

from __future__ import annotations

import json
import re
import shutil
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import HarnessError
from harness.store.folders import RunFolder

FOLDER = "checkpoints"
NAME = re.compile(r"epoch-(\d+)-step-(\d+)\.npz")  # as harness/worker/checkpoints.py names them
META = "meta.json"


# What reading any bytes at all as a zip may raise.
FAULTS = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, LookupError, TypeError, RuntimeError,
    OverflowError, MemoryError,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    path: Path
    epoch: int
    step: int  # steps of this epoch that are done


def checkpoints(folder: RunFolder) -> tuple[Checkpoint, ...]:
    """Those that were written whole, by their names, oldest first."""
    found = []
    for path in sorted((folder.path / FOLDER).glob("*.npz")):
        if named := NAME.fullmatch(path.name):
            found.append(Checkpoint(path=path, epoch=int(named[1]), step=int(named[2])))
    return tuple(found)


def newest_checkpoint(folder: RunFolder) -> Checkpoint:
    """Raises HarnessError where there is none, or the newest is damaged: another one is not taken in silence."""
    found = checkpoints(folder)
    if not found:
        raise HarnessError(
            f"{folder.id} holds no checkpoint: it cannot be gone on with",
            hint="its model calls no run.keep(...), or it was shorter than checkpoint_minutes; see docs/long-runs.md",
        )
    newest = found[-1]
    if fault := _fault(newest.path):
        before = f"the one before it is {found[-2].path.name}" if len(found) > 1 else "there is no other"
        raise HarnessError(
            f"{newest.path}: damaged: {fault}",
            hint=f"remove it and say --resume again ({before}), or make the run from scratch",
            code=3,
        )
    return newest


def forget_checkpoints(folder: RunFolder) -> None:
    """A run that finished needs none."""
    shutil.rmtree(folder.path / FOLDER, ignore_errors=True)


def _fault(path: Path) -> str:
    """What is wrong with the file; empty where every checksum holds."""
    try:
        with zipfile.ZipFile(path) as archive:
            if broken := archive.testzip():
                return f"{broken} has another checksum"
            meta = json.loads(archive.read(META))
            missing = {f"{number}.npy" for number in range(meta["arrays"])} - set(archive.namelist())
            return f"{min(missing)} is missing" if missing else ""
    except FAULTS as error:
        return f"{type(error).__name__}: {error}"
