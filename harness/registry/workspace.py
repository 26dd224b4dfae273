"""Where models, baselines, environments, data and results lie.  Reads harness.toml, makes nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import harness
from harness.core.errors import HarnessError

CONFIGURATION = "harness.toml"
DEFAULT_ENVIRONMENTS = ("torch-2.13", "tf-2.21", "numpy-2.4")


@dataclass(frozen=True, kw_only=True)
class NightlyPlan:
    """What ``harness nightly`` runs.  Empty ``models`` and ``environments`` leave the choice to the shelf."""

    models: tuple[str, ...] = ()
    recipes: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    seeds: int | None = None
    max_seeds: int | None = None
    budget_minutes: float | None = None
    notify: tuple[str, ...] = ()  # addresses as apprise reads them


@dataclass(frozen=True, kw_only=True)
class Workspace:
    root: Path  # where harness.toml lies, else the folder that was asked for
    shelves: tuple[Path, ...]  # folders with models/, baselines/, environments/; an earlier one shadows
    state: Path  # results, environments, prepared data
    data_roots: tuple[Path, ...]  # where data sets are looked for, in this order
    environments: tuple[str, ...]  # a model runs in the first of each of its frameworks
    store_url: str = ""  # of the index over the runs; empty: index.db in ``state``
    nightly: NightlyPlan = NightlyPlan()


def open_workspace(
    *, start: Path, explicit: Path | None, data_dir: Path | None, environ: Mapping[str, str]
) -> Workspace:
    """The workspace ``explicit``, else the nearest harness.toml at or above ``start``, else ``start``."""
    root = _existing(explicit, "--workspace") if explicit else _found_upwards(start.resolve())
    said = _configuration(root)
    return Workspace(
        root=root,
        shelves=tuple(dict.fromkeys((root, builtin_shelf(), *_wrapped(root / ".harness")))),
        state=root / ".harness",
        data_roots=_data_roots(root, data_dir, environ, said.get("data", {}).get("roots", ())),
        environments=tuple(said.get("run", {}).get("environments", DEFAULT_ENVIRONMENTS)),
        store_url=environ.get("HARNESS_STORE_URL", "") or said.get("store", {}).get("url", ""),
        nightly=NightlyPlan(**{name: _frozen(value) for name, value in said.get("nightly", {}).items()}),
    )


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def builtin_shelf() -> Path:
    """What the harness brings along: inside the package in a wheel, beside it in a checkout."""
    package = Path(harness.__file__).resolve().parent
    carried = package / "shelf"
    return carried if carried.is_dir() else package.parent


def _wrapped(state: Path) -> tuple[Path, ...]:
    """The models that ``harness wrap`` made here, where it made any."""
    return (state / "wrapped",) if (state / "wrapped").is_dir() else ()


def _found_upwards(start: Path) -> Path:
    return next((folder for folder in (start, *start.parents) if (folder / CONFIGURATION).is_file()), start)


def _existing(folder: Path, option: str) -> Path:
    if not folder.is_dir():
        raise HarnessError(f"{option} {folder}: no such folder", hint="make it, or name one that exists")
    return folder.resolve()


def _configuration(root: Path) -> dict[str, dict[str, Any]]:
    """The tables of harness.toml; none where there is no such file, and then nothing is loaded to check it."""
    path = root / CONFIGURATION
    if not path.is_file():
        return {}
    from harness.registry.configuration import check_configuration

    return check_configuration(path.read_bytes(), CONFIGURATION)


def _data_roots(
    root: Path, data_dir: Path | None, environ: Mapping[str, str], configured: Sequence[str]
) -> tuple[Path, ...]:
    asked = [_existing(data_dir, "--data-dir")] if data_dir else []
    named = [Path(part) for part in environ.get("HARNESS_DATA_DIR", "").split(os.pathsep) if part]
    listed = [root / Path(part).expanduser() for part in configured]
    beside = [root / "data"] if (root / "data").is_dir() else []
    return tuple(dict.fromkeys(folder.absolute() for folder in (*asked, *named, *listed, *beside)))
