"""Run folders in a .tar.gz, to move them between machines: all of them, as they were, or none.

``manifest.json`` comes first and holds the sha256 and the size of every file of every run.  What is read
is written below a temporary folder, compared with the manifest, and only then renamed into place.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from filelock import FileLock

from harness.core.errors import HarnessError
from harness.core.names import leads_down
from harness.store.folders import RunFolder, disk_faults
from harness.wire.events import dumps

MANIFEST = "manifest.json"
FORMAT = 1
BLOCK = 2**20  # bytes read at a time
MAX_MANIFEST = 2**28  # bytes; a hundred thousand runs need about a tenth of it
Files = dict[str, tuple[str, int]]  # path below the run's folder -> sha256, bytes


@dataclass(frozen=True, kw_only=True)
class Imported:
    new: tuple[str, ...]  # the names of their folders
    skipped: tuple[str, ...]  # those that were here already, byte for byte


def export_runs(folders: Sequence[RunFolder], target: Path) -> None:
    """Write the runs to ``target``, whole or not at all.  Equal folders give equal bytes."""
    if target.exists() or not target.parent.is_dir():
        said = "exists" if target.exists() else "its folder does not exist"
        raise HarnessError(f"{target}: {said}", hint="choose another name")
    contents = {folder.id: _files(folder.path) for folder in folders}
    manifest = dumps({"format": FORMAT, "runs": contents}, indent=1).encode()
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with disk_faults(target), temporary.open("wb") as file:
            with gzip.GzipFile(fileobj=file, mode="wb", mtime=0, filename="") as packed:
                _pack(packed, manifest, folders, contents)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _pack(packed: gzip.GzipFile, manifest: bytes, folders: Sequence[RunFolder], contents: Mapping[str, Files]) -> None:
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(_entry(MANIFEST, len(manifest)), io.BytesIO(manifest))
        for folder in folders:
            for name, (_, size) in contents[folder.id].items():
                with (folder.path / name).open("rb") as content:
                    archive.addfile(_entry(f"{folder.id}/{name}", size), content)


def import_runs(source: Path, state: Path) -> Imported:
    """Bring the runs of an archive into ``state``.  Raises HarnessError, and leaves no trace, where it is damaged,
    names a file outside its runs, or holds a run that is here with other content.
    """
    with _temporary_folder(state) as temporary:
        with _archive_faults(source):
            contents = _unpack(source, temporary)
        for name in contents:
            _check_record(temporary / name, source)
        there = sorted(name for name in contents if (state / "runs" / name).exists())
        for name in there:
            if _files(state / "runs" / name) != contents[name]:
                raise HarnessError(
                    f"{source}: run {name} is here already, with other content",
                    hint=f"look at {state / 'runs' / name}; nothing was imported",
                )
        os.sync()  # the files are on the disk before their names are
        with disk_faults(state / "runs"):
            (state / "runs").mkdir(exist_ok=True)
            new = sorted(set(contents) - set(there))
            for name in new:
                (temporary / name).rename(state / "runs" / name)
    return Imported(new=tuple(new), skipped=tuple(there))


def _files(folder: Path) -> Files:
    """What belongs to a run, by name: not what Python caches, nor what a killed process left half-written."""
    found: Files = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if "__pycache__" in inside.parts or re.fullmatch(r"\..*\.tmp", path.name) or path.is_dir():
            continue
        if path.is_symlink():
            raise HarnessError(f"{path}: a link, which is no part of a run", hint="replace it by what it leads to")
        with path.open("rb") as file:
            found[inside.as_posix()] = (hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)
    return found


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size = size
    entry.mode = 0o644
    return entry


def _unpack(source: Path, temporary: Path) -> dict[str, Files]:
    """Write what the manifest names, and nothing else.  No name of the archive is trusted."""
    with gzip.open(source) as packed:
        with tarfile.open(fileobj=packed, mode="r|") as archive:
            entries = iter(archive)
            contents = _manifest(archive, next(entries, None))
            wanted = {f"{run}/{name}": said for run, files in contents.items() for name, said in files.items()}
            for entry in entries:
                said = wanted.pop(entry.name, None)
                content = archive.extractfile(entry) if entry.isreg() else None
                if said is None or content is None or (said[1] != entry.size):
                    raise _Damaged(f"{entry.name!r} is not what the manifest names")
                _write(content, temporary / entry.name, said[0])
            if wanted:
                raise _Damaged(f"{min(wanted)!r} is missing")
        while packed.read(BLOCK):  # to the end, where the checksum is
            pass
    return contents


def _manifest(archive: tarfile.TarFile, entry: tarfile.TarInfo | None) -> dict[str, Files]:
    content = archive.extractfile(entry) if entry and entry.isreg() and entry.name == MANIFEST else None
    if entry is None or content is None or entry.size > MAX_MANIFEST:
        raise _Damaged(f"it does not begin with {MANIFEST}")
    raw = json.loads(content.read())
    if raw["format"] != FORMAT:
        raise _Damaged(f"format {raw['format']!r} is not {FORMAT}, the one that is known here")
    contents = {
        str(run): {str(name): (str(digest), int(size)) for name, (digest, size) in files.items()}
        for run, files in raw["runs"].items()
    }
    for run, files in contents.items():
        if not leads_down(run) or "/" in run:
            raise _Damaged(f"{run!r} is no name of a run")
        for name in files:
            if not leads_down(name):
                raise _Damaged(f"{name!r} leads out of its run")
    return contents


def _write(content: IO[bytes], path: Path, digest: str) -> None:
    with disk_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        found = hashlib.sha256()
        with path.open("xb") as file:
            while block := content.read(BLOCK):
                found.update(block)
                file.write(block)
    if found.hexdigest() != digest:
        raise _Damaged(f"{path.name!r} has another sha256 than the manifest says")


def _check_record(folder: Path, source: Path) -> None:
    record = RunFolder(folder).load()
    if record is None or record.id != folder.name:
        raise HarnessError(f"{source}: {folder.name} holds no record of that run", hint="export it again", code=3)


class _Damaged(Exception):
    """What is wrong with an archive."""


# What reading any bytes at all as an archive, and writing what it names, may raise.
FAULTS = (
    _Damaged,
    tarfile.TarError,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RecursionError,
)


@contextmanager
def _archive_faults(source: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise HarnessError(f"{source}: no such file", hint="name an archive of harness runs export") from error
    except FAULTS as error:
        raise HarnessError(
            f"{source}: damaged, or no archive of runs: {error}",
            hint="copy it again, or make it again with harness runs export; nothing was imported",
            code=3,
        ) from error


@contextmanager
def _temporary_folder(state: Path) -> Iterator[Path]:
    """On the disk of the runs, so that they can be renamed into place; what a killed import left is removed."""
    place = state / "imports"
    with disk_faults(place):
        place.mkdir(parents=True, exist_ok=True)
        with FileLock(place / "lock"):
            for left in place.glob("import-*"):
                shutil.rmtree(left)
            temporary = Path(tempfile.mkdtemp(prefix="import-", dir=place))
            try:
                yield temporary
            finally:
                shutil.rmtree(temporary)
