"""A wrapped program out of a capsule: its folder put together again, its command told where its packages are."""

from __future__ import annotations

import glob
import hashlib
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from harness import registry, store
from harness.capsule import FILES, RunEntry, outside
from harness.commands.wrap import write_model
from harness.core.errors import HarnessError
from harness.core.values import ModelSpec, Recipe, Record
from harness.environments import Built


def program_folder(place: registry.Workspace, run: RunEntry) -> Path:
    """Where the program of this run lies and runs: runs of the same code share it."""
    return place.root / "program" / run.code[:12]


def set_up(place: registry.Workspace, run: RunEntry, before: Record) -> None:
    """The packed code in a folder of its own, with the data files that the program read there.

    Raises HarnessError with all data files that nobody has.
    """
    folder = program_folder(place, run)
    if not folder.exists():
        shutil.copytree(place.root / "code" / run.code, folder)
    missing = []
    for name, said in (before.data or {}).get("files", {}).items():
        target = folder / name
        if outside(name) or target.exists():
            continue
        if found := _find(place, name, said["sha256"]):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(found, target)
        else:
            missing.append(f"  {name}, {said['bytes']:,} bytes, sha256 {said['sha256']}")
    if missing:
        raise HarnessError(
            f"{before.id} read data files that are not here:",
            *missing,
            hint="name a folder that holds them: harness --data-dir FOLDER reproduce ...; or pack it --with-data",
            code=3,
        )


def _find(place: registry.Workspace, name: str, sha256: str) -> Path | None:
    """Below a data folder under its own path, else anywhere there under its own name; its content decides."""
    roots = (place.state / "datasets" / FILES, *place.data_roots)
    for path in (path for root in roots for path in _candidates(root, name)):
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
            return path
    return None


def _candidates(root: Path, name: str) -> Iterator[Path]:
    yield root / name
    yield from root.rglob(glob.escape(Path(name).name))


def read_spec(place: registry.Workspace, run: RunEntry, model: str) -> ModelSpec:
    """The program as it was wrapped, as a model of the new folder."""
    packed = place.state / "runs" / run.id / "model.toml"
    if not packed.is_file():
        raise HarnessError(f"{run.id} was a wrapped program, but how it was wrapped is not in the file")
    folder = place.state / "wrapped" / "models" / model
    with store.disk_faults(folder):
        write_model(folder, packed.read_text(encoding="utf-8"))
    return registry.load_snapshot(folder)


def in_its_place(recipe: Recipe, folder: Path, built: Built) -> Recipe:
    """Run in ``folder``, with the programs of the environment before all others."""
    return replace(
        recipe, hyperparameters={**recipe.hyperparameters, "folder": str(folder), "bin": str(built.python.parent)}
    )


def with_our_python(built: Built) -> Built:
    """Our interpreter watches; the program itself finds its own."""
    return replace(built, python=Path(sys.executable))


def keep_for_later(place: registry.Workspace, model: str, recipes: Sequence[Recipe]) -> None:
    """So that ``harness --workspace FOLDER run MODEL`` runs it there again."""
    import tomlkit

    path = place.state / "wrapped" / "models" / model / "model.toml"
    said = tomlkit.parse(path.read_text(encoding="utf-8"))
    for recipe in recipes:
        said["recipes"][recipe.name]["hyperparameters"] = dict(recipe.hyperparameters)
    store.write_whole(path, tomlkit.dumps(said))
