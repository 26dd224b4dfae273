"""One wheel unpacked to a folder of its own, for data sets that lie in wheels."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from pathlib import Path

from harness.core.errors import HarnessError
from harness.environments.locks import held
from harness.environments.pip_configuration import pip_configuration
from harness.environments.uv_process import Say, UvError, run_uv

WHEEL_ALONE = ("--no-deps", "--only-binary", ":all:")
PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9.!+_-]+)")


def install_package(requirement: str, *, state: Path, say: Say) -> Path:
    """The folder with the content of one pinned package, without its dependencies; fetched once.

    Wheels only: nothing of the package runs.  Raises HarnessError with uv's words.
    """
    pinned = PINNED.fullmatch(requirement)
    if pinned is None:
        raise HarnessError(f"package {requirement!r} names no version", hint="write it as name==version")
    folder = state / "packages" / f"{pinned[1].lower()}-{pinned[2]}"
    if folder.is_dir():
        return folder
    with held(folder.with_name(f"{folder.name}.lock"), f"package {requirement}", say):
        if not folder.is_dir():
            say(f"fetching {requirement}")
            _install(requirement, folder, say)
    return folder


def _install(requirement: str, folder: Path, say: Say) -> None:
    workshop = folder.with_name(f".building-{folder.name}")
    shutil.rmtree(workshop, ignore_errors=True)  # what a killed fetch left; ours alone under the lock
    workshop.mkdir(parents=True, exist_ok=True)
    pip = pip_configuration()
    try:
        target = Path(tempfile.mkdtemp(dir=workshop)) / folder.name
        place = ("--target", str(target), "--python", sys.executable)
        run_uv(
            ["pip", "install", requirement, *WHEEL_ALONE, *place, *pip.options()],
            pip=pip,
            say=say,
        )
        target.rename(folder)
    except UvError as error:
        raise HarnessError(
            f"package {requirement} cannot be fetched: uv {error.command} ended with {error.returncode}",
            *(f"  {line}" for line in error.words),
            hint="tell pip where it lies (pip config set global.extra-index-url URL)",
        ) from None
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
