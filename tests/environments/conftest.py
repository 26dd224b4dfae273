"""A place where pip is configured by the test alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.environments.wheels import make_wheel, write_environment


@dataclass(frozen=True, kw_only=True)
class Place:
    shelf: Path
    state: Path
    wheels: Path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A shelf with the environment "tiny", whose only package lies in a find-links folder; no index."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    made = Place(shelf=tmp_path / "shelf", state=tmp_path / "state", wheels=tmp_path / "wheels")
    make_wheel(made.wheels, "tinything", "1.0")
    write_environment(made.shelf, "tiny", "tinything==1.0")
    for name, value in {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(made.wheels),
        "UV_CACHE_DIR": str(tmp_path / "cache"),
    }.items():
        monkeypatch.setenv(name, value)
    return made
