"""A run folder is append-only: job.json, environment.toml, environment.lock, uncommitted.diff, events.jsonl,
worker.log, record.json, code/; weights.safetensors where they are kept, checkpoints/ until the run has finished.

``record.json`` appears last, whole and at once; a folder without it holds no result.
"""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.differences import Origin
from harness.core.errors import HarnessError, nearest
from harness.core.values import Record
from harness.wire.events import Event, decode, dumps, encode
from harness.wire.job import WorkerJob, dump

if TYPE_CHECKING:
    from pydantic import TypeAdapter


MOMENT = len("20260101T000000")  # of a run's name


class RunFolder:
    """The folder of one run.  Every write that fails for want of space is a HarnessError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name

    @property
    def code(self) -> Path:
        return self.path / "code"

    def code_files(self) -> dict[str, Path]:
        """The files of the snapshot by their paths below ``code/``, without what Python caches."""
        return {
            path.relative_to(self.code).as_posix(): path
            for path in sorted(self.code.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }

    def write_job(self, job: WorkerJob) -> None:
        self.write("job.json", dumps(dump(job), indent=1) + "\n")

    def write(self, name: str, text: str) -> None:
        with disk_faults(self.path):
            write_whole(self.path / name, text)

    def adopt(self, source: Path, name: str) -> None:
        """A file of another run in this one, under ``name``: the same bytes on the disk where that can be."""
        target = self.path / name
        with disk_faults(self.path):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                target.hardlink_to(source)
            except OSError:  # another disk, or one that knows no links
                shutil.copyfile(source, target)

    def append(self, event: Event) -> None:
        """Add one event, whole: a line that the disk cuts short is taken back."""
        line = encode(event).encode()
        with disk_faults(self.path), (self.path / "events.jsonl").open("ab", buffering=0) as file:
            size = file.tell()
            try:
                written = file.write(line)
            except OSError:
                file.truncate(size)
                raise
            if written != len(line):
                file.truncate(size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def events(self) -> Iterator[Event]:
        """Every event so far; a torn last line is left out."""
        with (self.path / "events.jsonl").open(encoding="utf-8") as file:
            for line in file:
                try:
                    yield decode(line)
                except ValueError:
                    continue

    def finish(self, record: Record) -> None:
        self.write("record.json", dumps(dataclasses.asdict(record), indent=1) + "\n")

    def load(self) -> Record | None:
        """The record, or None while there is none.  Raises HarnessError for a damaged one."""
        try:
            text = (self.path / "record.json").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        try:
            record = _validator().validate_python({**json.loads(text), "path": str(self.path)})
        except (ValueError, TypeError) as error:  # pydantic's ValidationError is a ValueError
            raise HarnessError(
                f"{self.path / 'record.json'}: not a record: {str(error).splitlines()[0]}",
                hint="the file was damaged or edited; the run has to be made again",
                code=3,
            ) from error
        return record


@cache
def _validator() -> TypeAdapter[Record]:
    """Built once: it costs more than reading a record."""
    from pydantic import TypeAdapter

    return TypeAdapter(Record)


def create_run(state: Path, run_id: str) -> RunFolder:
    """A new folder below ``state/runs``; FileExistsError when the id was taken."""
    path = state / "runs" / run_id
    with disk_faults(path):
        path.mkdir(parents=True)
    return RunFolder(path)


def run_names(state: Path) -> set[str]:
    """The names of all run folders."""
    try:
        return set(os.listdir(state / "runs"))  # noqa: PTH208 - a hundred thousand Paths take a second
    except FileNotFoundError:
        return set()


def run_folders(state: Path, *, containing: str = "") -> Sequence[RunFolder]:
    """All runs, or those with a word in their names, oldest first (their names begin with the time)."""
    return [RunFolder(state / "runs" / name) for name in sorted(run_names(state)) if containing in name]


def newest_records(state: Path, *, containing: str, most: int) -> Iterator[Record]:
    """Of the last ``most`` runs with a word in their names, newest first and read as they are asked for.

    What is damaged or still going is left out: for whoever wants to know what was, not whether it is sound.
    """
    for folder in reversed(run_folders(state, containing=containing)[-most:]):
        with suppress(HarnessError):
            if record := folder.load():
                yield record


def load_records(
    state: Path, *, models: Collection[str] = (), faults: list[HarnessError] | None = None
) -> list[Record]:
    """The records of finished and failed runs of these models, or of all, oldest first; a run still going has none.

    A damaged one raises, or is added to ``faults`` where that is given.
    """
    found = []
    for folder in run_folders(state):
        if models and not any(f"-{model}-" in folder.id for model in models):
            continue
        try:
            record = folder.load()
        except HarnessError as fault:
            if faults is None:
                raise
            faults.append(fault)
            continue
        if record and (not models or record.job.model in models):
            found.append(record)
    return sorted(found, key=lambda record: (record.id[:MOMENT], record.started))  # names tell seconds only


def load_run(state: Path, run_id: str) -> Record:
    """The record of one run.  Raises HarnessError where there is none."""
    folder = RunFolder(state / "runs" / run_id)
    if record := folder.load():
        return record
    if folder.path.is_dir():
        raise HarnessError(f"run {run_id} goes on, or was cut off: it has no record")
    raise HarnessError(
        f"no run {run_id} is stored", hint=nearest(run_id, [each.id for each in run_folders(state)][-9:])
    )


def load_origin(record: Record) -> Origin:
    """What the run's folder says beside its record; empty where the folder is gone."""
    folder = RunFolder(Path(record.path))
    try:
        asked = json.loads((folder.path / "job.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        asked = {}
    files = {name: path.read_text(encoding="utf-8", errors="replace") for name, path in folder.code_files().items()}
    return Origin(hyperparameters=asked.get("hyperparameters", {}) if isinstance(asked, dict) else {}, files=files)


def log_tail(record: Record, lines: int = 60) -> str:
    """The last lines of worker.log; empty where there is none."""
    try:
        text = (Path(record.path) / "worker.log").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def write_whole(path: Path, text: str, *, forced: bool = True) -> None:
    """Write under a temporary name, then rename: a reader sees all of it or nothing.

    ``forced`` to the disk before the rename; not needed for what can be made again at any time.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            if forced:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def disk_faults(path: Path) -> Iterator[None]:
    """Turn a full or unwritable disk into an error that says where and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            raise HarnessError(
                f"{path}: cannot write: {error.strerror}",
                hint="free some space, or use another workspace (--workspace DIR); a run that was going has no result",
                code=3,
            ) from error
        raise
