"""Copy the code that a run will use, so that editing a file cannot change it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from importlib import resources
from pathlib import Path


def take_snapshot(code: Path, model_folder: Path, family_folder: Path | None = None) -> str:
    """Copy wire, worker and the model's folder below ``code``; return the sha256 of what was copied.

    The modules of the family lie beside the model's own there, so that they are imported alike.
    The digest is over the copies, so it describes what runs, not what was there a moment before.
    Raises OSError when a file cannot be copied.
    """
    package = Path(str(resources.files("harness")))
    _copy(package / "__init__.py", code / "harness" / "__init__.py")
    for source in (package / "wire", package / "worker"):
        _copy_folder(source, code / "harness" / source.name)
    model = code / "models" / model_folder.name
    _copy_folder(model_folder, model)
    for module in family_folder.glob("*.py") if family_folder else ():
        _copy(module, model / module.name)
    digest = hashlib.sha256()
    for path in sorted(_files(code)):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(code).as_posix()}\t{content}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _copy_folder(source: Path, target: Path) -> None:
    """File by file: shutil.copytree would hide what went wrong behind an error of its own."""
    for path in _files(source):
        _copy(path, target / path.relative_to(source))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
