"""Real things for the tests: workspaces, environments, the command line as a process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness import environments, registry
from harness.registry import builtin_shelf

REPOSITORY = Path(__file__).parent.parent
STATE = REPOSITORY / ".harness"  # what was built once is found again by every test

# Begun in the background, we ignore Ctrl-C, and so would all that is started here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def open_at(root: Path) -> registry.Workspace:
    """``root`` as a command opens it, whatever the variables of whoever runs the tests say."""
    return registry.open_workspace(start=root, explicit=root, data_dir=None, environ={})


@dataclass(frozen=True)
class Ended:
    """A command line that ended."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


class Workspace:
    """A temporary workspace that borrows the repository's built environments."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state = root / ".harness"
        self.state.mkdir()
        for name in ("environments", "packages"):
            (STATE / name).mkdir(parents=True, exist_ok=True)
            (self.state / name).symlink_to(STATE / name)

    def add_toy(self, behaviour: str = "fine", name: str = "toy") -> Path:
        """Drop the toy model in; its recipe ``bad`` behaves as told."""
        folder = self.root / "models" / name
        shutil.copytree(REPOSITORY / "tests" / "toys" / "toy", folder)
        toml = folder / "model.toml"
        toml.write_text(toml.read_text().replace("BEHAVIOUR", behaviour))
        return folder

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "harness", "--workspace", str(self.root), *arguments]

    def harness(self, *arguments: str, **variables: str) -> Ended:
        """Run the command line as a user does; the test's own limit ends it if it hangs."""
        ended = subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            check=False,
            cwd=self.root,
            env={**os.environ, "NO_COLOR": "1", **variables},
            timeout=500,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def runs(self) -> list[Path]:
        folder = self.state / "runs"
        return sorted(folder.iterdir()) if folder.is_dir() else []


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    root = tmp_path / "workspace"
    root.mkdir()
    return Workspace(root)


@pytest.fixture(scope="session")
def environment_python() -> Callable[[str], Path]:
    """The interpreter of a built-in environment by name, built on first use."""

    def python(name: str) -> Path:
        shelves = (builtin_shelf(),)
        found = environments.load_environment(shelves, name)
        return environments.build(found, shelves=shelves, state=STATE, say=print).python

    return python
