"""Copy the code that a run will use, so that editing a file cannot change it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from importlib import resources
from pathlib import Path


def take_snapshot(code: Path, model_folder: Path) -> str:
    """Copy wire, worker and the model's folder below ``code``; return the sha256 of what was copied.

    The digest is over the copies, so it describes what runs, not what was there a moment before.
    Raises OSError when a file cannot be copied.
    """
    package = Path(str(resources.files("harness")))
    for source in (package / "wire", package / "worker"):
        shutil.copytree(source, code / "harness" / source.name, ignore=_ignore)
    shutil.copy(package / "__init__.py", code / "harness" / "__init__.py")
    shutil.copytree(model_folder, code / "models" / model_folder.name, ignore=_ignore)
    digest = hashlib.sha256()
    for path in sorted(_files(code)):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(code).as_posix()}\t{content}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


_ignore = shutil.ignore_patterns("__pycache__", "*.pyc")


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
