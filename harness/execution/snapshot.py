"""Copy the code that a run will use, so that editing a file cannot change it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path

from harness.wire.digests import code_digest, snapshot_digest


def take_snapshot(code: Path, model_folder: Path, *family_folders: Path) -> str:
    """Copy wire, worker and the model's folder below ``code``; return the sha256 of what was copied.

    The modules of its families lie beside the model's own there, so that they are imported alike.
    The digest is over the copies, so it describes what runs, not what was there a moment before.
    Raises OSError when a file cannot be copied.
    """
    for name, source in _layout(model_folder, family_folders).items():
        _copy(source, code / name)
    return digest_of(code)


def digest_today(model_folder: Path, *family_folders: Path) -> str:
    """What ``take_snapshot`` would return.  Raises OSError when a file cannot be read."""
    layout = _layout(model_folder, family_folders)
    return code_digest({name: hashlib.sha256(source.read_bytes()).hexdigest() for name, source in layout.items()})


def copy_snapshot(source: Path, code: Path) -> str:
    """Copy one that was taken earlier, as it is; return its digest, which is that of the earlier one."""
    _copy_folder(source, code)
    return digest_of(code)


def changed_since(code: Path, model_folder: Path, *family_folders: Path) -> list[str]:
    """Files of the model that are no longer what the snapshot in ``code`` holds, or were not there yet."""
    model = code / "models" / model_folder.name
    below = f"models/{model_folder.name}/"
    layout = _layout(model_folder, family_folders)
    now = {name.removeprefix(below): path.read_bytes() for name, path in layout.items() if name.startswith(below)}
    then = {str(path.relative_to(model)): path.read_bytes() for path in _files(model)}
    return sorted(name for name in {*now, *then} if now.get(name) != then.get(name))


def digest_of(code: Path) -> str:
    return snapshot_digest(str(code))


def _layout(model_folder: Path, family_folders: Iterable[Path]) -> dict[str, Path]:
    """Where each file of a snapshot comes from, by its path in it."""
    package = Path(str(resources.files("harness")))
    found = {"harness/__init__.py": package / "__init__.py"}
    for part in (package / "wire", package / "worker"):
        found |= {f"harness/{part.name}/{path.relative_to(part)}": path for path in _files(part)}
    model = f"models/{model_folder.name}"
    found |= {f"{model}/{path.relative_to(model_folder)}": path for path in _files(model_folder)}
    return found | {f"{model}/{path.name}": path for path in _modules(family_folders)}


def _copy_folder(source: Path, target: Path) -> None:
    """File by file: shutil.copytree would hide what went wrong behind an error of its own."""
    for path in _files(source):
        _copy(path, target / path.relative_to(source))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _modules(folders: Iterable[Path]) -> Iterator[Path]:
    return (path for folder in folders for path in folder.glob("*.py"))


def _files(folder: Path) -> Iterator[Path]:
    """Without the README: what is written about a model is not what runs, and runs stay alike when it changes."""
    return (
        path
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path != folder / "README.md"
    )
