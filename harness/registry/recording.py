"""Append recorded references to baselines/<model>.toml.  What is there stays, byte for byte.

But for earlier runs that are among those to be recorded: the new ones are written in their stead.
"""

from __future__ import annotations

import dataclasses
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.core.values import Reference
from harness.registry.baselines import read_references
from harness.registry.faults import raise_faults

_START = re.compile(rb"^(?:\n|#[^\n]*\n)*\[\[reference\]\]", re.MULTILINE)  # with the comments above it
_DEFAULTS = {field.name: field.default for field in dataclasses.fields(Reference)}


def record_references(path: Path, references: Sequence[Reference], *, comment: str = "") -> None:
    """Append one [[reference]] for each, below a ``comment``; the file is replaced as a whole or not at all.

    Raises HarnessError, and writes nothing, where the file would not load afterwards.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _only_writer(path.parent):
        before = path.read_bytes() if path.is_file() else b""
        kept = _without_those_in(references, before)
        after = kept + _separator(kept) + _tables(references, comment).encode()
        raise_faults(read_references(after, f"baselines/{path.name}", None)[1])
        _replace(path, after)


def _without_those_in(references: Sequence[Reference], content: bytes) -> bytes:
    stored, _ = read_references(content, "", None)
    starts = [found.start() for found in _START.finditer(content)]
    if not stored or len(starts) != len(stored):  # none, or faulty, or not written as tables
        return content
    ends = [*starts[1:], len(content)]
    return content[: starts[0]] + b"".join(
        content[start:end]
        for old, start, end in zip(stored, starts, ends, strict=True)
        if not any(_holds(new, old) for new in references)
    )


def _holds(new: Reference, old: Reference) -> bool:
    """Whether both are earlier runs, the old ones among the new."""
    if {new.kind, old.kind} != {"earlier"}:
        return False
    if (new.recipe, new.metric, new.framework) != (old.recipe, old.metric, old.framework):
        return False
    ends = [zip(each.seeds, each.values, each.weights, strict=True) for each in (new, old)]
    return set(ends[0]).issuperset(ends[1])


def _separator(before: bytes) -> bytes:
    if not before:
        return b""
    return b"\n" if before.endswith(b"\n") else b"\n\n"


def _tables(references: Sequence[Reference], comment: str) -> str:
    import tomlkit  # 30 ms that only a recording pays

    document = tomlkit.document()
    for line in comment.splitlines():
        document.add(tomlkit.comment(line))
    listed = tomlkit.aot()
    for reference in references:
        listed.append(tomlkit.item(_written(reference)))
    document.add("reference", listed)
    return tomlkit.dumps(document)


def _written(reference: Reference) -> dict[str, Any]:
    """The keys that say something, in the order of the type; value and n follow from values."""
    said = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in vars(reference).items()
        if value != _DEFAULTS[name]
    }
    derived = ("value", "n") if reference.values else ()
    return {name: value for name, value in said.items() if name not in derived}


def _replace(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(path.stat().st_mode if path.is_file() else 0o644)
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def _only_writer(folder: Path) -> Iterator[None]:
    """Two recordings at once come one after the other.  Locks the folder itself: leaves no file behind."""
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
