"""The zip: the same files give the same bytes, and nothing in one that is read is trusted.

Limits are checked before a byte is unpacked: names, number, sizes, how far a file is squeezed.  Every file must
be named in ``capsule.json``, and every named one be there, with the sha256 that stands there.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from harness.capsule.manifest import FORMAT, NAME, About
from harness.core.errors import HarnessError
from harness.core.names import leads_down, printable
from harness.wire.events import dumps

Content = bytes | Path

BLOCK = 2**20
MAX_FILES = 20_000
MAX_BYTES = 2**37  # unpacked: wheels of CUDA and a prepared data set
MAX_TEXT = 2**27  # a single file that is read into memory
MAX_RATIO = 200  # zlib's limit is 1,032; code, locks and events come to 5 to 30
SMALL = 2**20  # bytes that may be squeezed as far as they like
STORED = (".npy", ".npz", ".whl", ".png", ".safetensors")  # squeezed already, or not to be
MOMENT = (1980, 1, 1, 0, 0, 0)  # of every file: when it was packed says nothing


class Capsule:
    """An open capsule whose names and sizes are sound; ``verify`` or reading shows whether its bytes are."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, about: About, sha256: str) -> None:
        self.path = path
        self.about = about
        self.sha256 = sha256  # of capsule.json, and so of all that it names
        self._archive = archive

    def names(self, folder: str) -> list[str]:
        return sorted(name for name in self.about.files if name.startswith(f"{folder}/"))

    def read(self, name: str) -> bytes:
        """A small file, whole.  Raises HarnessError where it is not there, too large or not what it must be."""
        if name not in self.about.files:
            raise _unsound(self.path, f"{name} is not in it")
        _, size = self.about.files[name]
        if size > MAX_TEXT:
            raise _unsound(self.path, f"{name} has {size:,} bytes, more than can be right")
        content = io.BytesIO()
        self._copy(name, content)
        return content.getvalue()

    def text(self, name: str) -> str:
        try:
            return self.read(name).decode("utf-8")
        except UnicodeDecodeError:
            raise _unsound(self.path, f"{name} is no text") from None

    def extract(self, name: str, target: Path) -> None:
        """Write one file to ``target``, which must not be there yet."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            self._copy(name, file)

    def verify(self) -> None:
        """Read every file.  Raises HarnessError for the first that is not what ``capsule.json`` says."""
        for name in self.about.files:
            self._copy(name, None)

    def _copy(self, name: str, target: IO[bytes] | None) -> None:
        digest, size = self.about.files[name]
        found, seen = hashlib.sha256(), 0
        with _faults(self.path), self._archive.open(name) as file:
            while block := file.read(BLOCK):
                found.update(block)
                seen += len(block)
                if seen > size:
                    break
                if target:
                    target.write(block)
        if seen != size or found.hexdigest() != digest:
            raise _unsound(self.path, f"{name} has another sha256 than {NAME} says")


def write_capsule(target: Path, about: About, contents: Mapping[str, Content]) -> None:
    """Write ``target``, whole or not at all.  ``about.files`` is made here, of ``contents``."""
    if target.exists() or not target.parent.is_dir():
        said = "exists" if target.exists() else "its folder does not exist"
        raise HarnessError(f"{target}: {said}", hint="choose another name")
    files = {name: _measure(contents[name]) for name in sorted(contents)}
    whole = about.model_copy(update={"files": files})
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with zipfile.ZipFile(temporary, "x", allowZip64=True) as archive:
            _add(archive, NAME, dumps(whole.model_dump(mode="json"), indent=1).encode() + b"\n")
            for name in files:
                _add(archive, name, contents[name])
        temporary.replace(target)
    except OSError as error:
        raise HarnessError(f"{target}: cannot write: {error.strerror}", hint="free some space", code=3) from error
    finally:
        temporary.unlink(missing_ok=True)


def _measure(content: Content) -> tuple[str, int]:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest(), len(content)
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), content.stat().st_size


def _add(archive: zipfile.ZipFile, name: str, content: Content) -> None:
    entry = zipfile.ZipInfo(name, MOMENT)
    entry.create_system = 3  # Unix, whose permissions follow
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    entry.compress_type = zipfile.ZIP_STORED if name.endswith(STORED) else zipfile.ZIP_DEFLATED
    if isinstance(content, bytes):
        archive.writestr(entry, content, compresslevel=9)
        return
    entry.file_size = content.stat().st_size
    entry._compresslevel = 9  # type: ignore[attr-defined]  # no public way before Python 3.13
    with content.open("rb") as source, archive.open(entry, "w") as file:
        while block := source.read(BLOCK):
            file.write(block)


@contextmanager
def open_capsule(path: Path) -> Iterator[Capsule]:
    """Raises HarnessError, before anything is unpacked, for what is no capsule or not a sound one."""
    if not path.is_file():
        raise HarnessError(f"{path}: no such file", hint="name a file that harness pack made")
    with _faults(path):
        archive = zipfile.ZipFile(path)
    with archive:
        about, sha256 = _read_about(path, archive)
        _check_entries(path, archive, about)
        yield Capsule(path, archive, about, sha256)


def _read_about(path: Path, archive: zipfile.ZipFile) -> tuple[About, str]:
    if NAME not in archive.namelist():
        raise _unsound(path, f"it holds no {NAME}")
    if archive.getinfo(NAME).file_size > MAX_TEXT:
        raise _unsound(path, f"its {NAME} is larger than can be right")
    with _faults(path), archive.open(NAME) as file:
        content = file.read(MAX_TEXT)
    try:
        raw = json.loads(content)
        if isinstance(raw, dict) and raw.get("format") != FORMAT:
            told = printable(repr(raw.get("format")), 40)
            raise _unsound(path, f"format {told} is not {FORMAT}, the one that is known here")
        about = About.model_validate_json(content)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = printable(".".join(str(part) for part in fault["loc"]))
        raise _unsound(path, f"{NAME}: {where}: {fault['msg']}") from None
    except (ValueError, RecursionError) as error:
        raise _unsound(path, f"{NAME} is no JSON: {printable(str(error))}") from None
    if faults := about.faults():
        raise _unsound(path, f"{NAME}: {printable(faults[0])}")
    return about, hashlib.sha256(content).hexdigest()


def _check_entries(path: Path, archive: zipfile.ZipFile, about: About) -> None:
    entries = archive.infolist()
    if len(entries) > MAX_FILES or sum(size for _, size in about.files.values()) > MAX_BYTES:
        raise _unsound(path, "it has more files, or more bytes, than can be right")
    names = [entry.filename for entry in entries]
    if len(set(names)) < len(names):
        raise _unsound(path, "a file is in it twice")
    for entry in entries:
        if fault := _entry_fault(entry):
            raise _unsound(path, f"{printable(entry.filename)!r} {fault}")
        said = about.files.get(entry.filename)
        if entry.filename != NAME and said is None:
            raise _unsound(path, f"{printable(entry.filename)!r} is not named in {NAME}")
        if said is not None and said[1] != entry.file_size:
            raise _unsound(path, f"{printable(entry.filename)!r} has another size than {NAME} says")
    if missing := sorted(set(about.files) - set(names)):
        raise _unsound(path, f"{printable(missing[0])!r} is missing")


def _entry_fault(entry: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if entry.orig_filename != entry.filename or not leads_down(entry.filename):
        return "is no name of a file in a capsule"
    if kind not in (0, stat.S_IFREG):
        return "is a link or a device"
    if entry.flag_bits & 0x1:
        return "is encrypted"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is packed in a way that capsules are not"
    if entry.file_size > SMALL and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
        return f"unpacks to more than {MAX_RATIO} times its size"
    return ""


# What reading any bytes at all as a zip may raise.
FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
)


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    try:
        yield
    except FAULTS as error:
        raise _unsound(path, f"it cannot be read: {printable(str(error) or type(error).__name__)}") from error


def _unsound(path: Path, text: str) -> HarnessError:
    return HarnessError(
        f"{path}: no capsule, or a damaged one: {text}",
        hint="get it again from whoever made it, or make it again with harness pack; nothing was run or unpacked",
    )
