"""Where models, baselines, environments, data and results lie.  Reads harness.toml, makes nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

import harness
from harness.core.errors import HarnessError
from harness.registry.faults import Table, raise_faults, read_toml, schema_faults

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
    nightly: NightlyPlan = NightlyPlan()


class _Data(Table):
    roots: list[str] = Field(default_factory=list)


class _Run(Table):
    environments: list[str] = Field(default=list(DEFAULT_ENVIRONMENTS), min_length=1)


class _Nightly(Table):
    models: list[str] = Field(default_factory=list)
    recipes: list[str] = Field(default_factory=list)
    environments: list[str] = Field(default_factory=list)
    seeds: int | None = Field(default=None, ge=1)
    max_seeds: int | None = Field(default=None, ge=1)
    budget_minutes: float | None = Field(default=None, gt=0)
    notify: list[str] = Field(default_factory=list)


class _Configuration(Table):
    data: _Data = _Data()
    run: _Run = _Run()
    nightly: _Nightly = _Nightly()


def open_workspace(
    *, start: Path, explicit: Path | None, data_dir: Path | None, environ: Mapping[str, str]
) -> Workspace:
    """The workspace ``explicit``, else the nearest harness.toml at or above ``start``, else ``start``."""
    root = _existing(explicit, "--workspace") if explicit else _found_upwards(start.resolve())
    configuration = _configuration(root)
    return Workspace(
        root=root,
        shelves=tuple(dict.fromkeys((root, builtin_shelf()))),
        state=root / ".harness",
        data_roots=_data_roots(root, data_dir, environ, configuration.data.roots),
        environments=tuple(configuration.run.environments),
        nightly=_nightly(configuration.nightly),
    )


def _nightly(said: _Nightly) -> NightlyPlan:
    lists = {name: tuple(value) for name, value in said.model_dump().items() if isinstance(value, list)}
    return NightlyPlan(**{**said.model_dump(), **lists})


def builtin_shelf() -> Path:
    """What the harness brings along: inside the package in a wheel, beside it in a checkout."""
    package = Path(harness.__file__).resolve().parent
    carried = package / "shelf"
    return carried if carried.is_dir() else package.parent


def _found_upwards(start: Path) -> Path:
    return next((folder for folder in (start, *start.parents) if (folder / CONFIGURATION).is_file()), start)


def _existing(folder: Path, option: str) -> Path:
    if not folder.is_dir():
        raise HarnessError(f"{option} {folder}: no such folder", hint="make it, or name one that exists")
    return folder.resolve()


def _configuration(root: Path) -> _Configuration:
    path = root / CONFIGURATION
    if not path.is_file():
        return _Configuration()
    raw, faults = read_toml(path.read_bytes(), CONFIGURATION)
    raise_faults(faults)
    try:
        return _Configuration.model_validate(raw)
    except ValidationError as error:
        raise_faults(schema_faults(error, _Configuration, CONFIGURATION))
        raise


def _data_roots(
    root: Path, data_dir: Path | None, environ: Mapping[str, str], configured: list[str]
) -> tuple[Path, ...]:
    asked = [_existing(data_dir, "--data-dir")] if data_dir else []
    named = [Path(part) for part in environ.get("HARNESS_DATA_DIR", "").split(os.pathsep) if part]
    listed = [root / Path(part).expanduser() for part in configured]
    beside = [root / "data"] if (root / "data").is_dir() else []
    return tuple(dict.fromkeys(folder.absolute() for folder in (*asked, *named, *listed, *beside)))
