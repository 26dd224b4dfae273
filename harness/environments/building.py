"""A lock becomes a venv, once: under a temporary name, then renamed, found again by its digest.

``ready.json`` is written last, so a folder that has it is whole.  Two processes may ask at once:
one builds, the other waits for it.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import HarnessError
from harness.core.values import Environment
from harness.environments.definitions import Definition, load_definition, read_lock
from harness.environments.interpreters import look
from harness.environments.locks import held
from harness.environments.pip_configuration import PipConfiguration, pip_configuration
from harness.environments.uv_process import Say, UvError, read_uv, run_uv, silent

READY = "ready.json"


@dataclass(frozen=True, kw_only=True)
class Built:
    environment: Environment
    python: Path
    seconds: float  # that this call spent building; 0 where it was found
    packages: Mapping[str, str]  # as installed


def find_built(environment: Environment, state: Path) -> Built | None:
    """The venv of exactly this environment, if it was built and its Python still starts from somewhere.

    A system interpreter counts as built where it is there and has the framework.
    """
    if environment.interpreter is not None:
        with suppress(HarnessError):
            return _taken(environment)
        return None
    folder = _folder(environment, state)
    python = folder / "bin" / "python"
    try:
        ready = json.loads((folder / READY).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    if not python.exists():  # the interpreter that it was made from is gone
        return None
    return Built(environment=environment, python=python, seconds=0.0, packages=ready["packages"])


def build(
    environment: Environment, *, shelves: Sequence[Path], state: Path, say: Say, wheels: Path | None = None
) -> Built:
    """The venv of this environment, built now if it was not before; a system interpreter as it was found.

    With a folder of ``wheels`` nothing else is asked for packages, no index and no network.

    Raises HarnessError with uv's own words where it cannot be built; then nothing is left behind.
    """
    if found := find_built(environment, state):
        return found
    definition = load_definition(shelves, environment.name)
    if environment.interpreter is not None:
        return _taken(environment, definition.install)
    with held(_lock_path(environment.name, state), f"environment {environment.name}", say):
        if found := find_built(environment, state):
            return found
        return _build(environment, definition, state, say, wheels)


def remove(name: str, *, state: Path, say: Say = silent) -> tuple[Path, ...]:
    """Delete every built venv of this name, whatever its digest; the paths that are gone."""
    folders = tuple(path for path in sorted(_root(state).glob(f"{name}-*")) if _is_built(path, name))
    if folders:
        with held(_lock_path(name, state), f"environment {name}", say):
            for folder in folders:
                _set_aside(folder, _workshop(name, state))
            shutil.rmtree(_workshop(name, state), ignore_errors=True)
    return folders


def _taken(environment: Environment, install: str = "") -> Built:
    found, packages = look(environment, install)
    return Built(environment=found, python=Path(str(found.interpreter)), seconds=0.0, packages=packages)


def _build(environment: Environment, definition: Definition, state: Path, say: Say, wheels: Path | None) -> Built:
    workshop = _workshop(environment.name, state)
    shutil.rmtree(workshop, ignore_errors=True)  # what a killed build left; ours alone under the lock
    workshop.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    try:
        folder = Path(tempfile.mkdtemp(dir=workshop))
        _install(folder, definition, say, wheels)
        _write_ready(folder, environment, time.monotonic() - started)
        _set_aside(_folder(environment, state), workshop)  # one whose interpreter is gone
        folder.rename(_folder(environment, state))
    except UvError as error:
        raise _unbuildable(definition, error) from None
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    found = find_built(environment, state)
    assert found is not None  # renamed into its place above
    seconds = time.monotonic() - started
    say(f"built {environment.name} with {len(found.packages)} packages in {seconds:.0f} s")
    return Built(environment=environment, python=found.python, seconds=seconds, packages=found.packages)


def _install(folder: Path, definition: Definition, say: Say, wheels: Path | None) -> None:
    say(f"building {definition.name} (Python {definition.python}: {', '.join(definition.requirements)})")
    pip = PipConfiguration(no_index=True, find_links=(str(wheels),)) if wheels else pip_configuration()
    python = _interpreter(definition.python)
    run_uv(["venv", "--relocatable", "--quiet", "--python", python, str(folder)], pip=pip, say=say)
    lock = folder / "requirements.lock"  # kept: what was installed, whatever becomes of the shelf
    lock.write_text(read_lock(definition), encoding="utf-8")
    try:
        _sync(folder, lock, pip, (), say)
    except UvError:
        if definition.index is None or wheels:
            raise
        say(f"not found by pip's configuration alone; trying {definition.index} as well")
        _sync(folder, lock, pip, ("--index", definition.index), say)


def _interpreter(version: str) -> str:
    """The Python that runs the harness where it has the version (nothing to find or download), else uv's choice."""
    return sys.executable if version == f"{sys.version_info.major}.{sys.version_info.minor}" else version


def _sync(folder: Path, lock: Path, pip: PipConfiguration, extra: Sequence[str], say: Say) -> None:
    python = str(folder / "bin" / "python")
    run_uv(["pip", "sync", str(lock), "--python", python, "--require-hashes", *pip.options(), *extra], pip=pip, say=say)


def _write_ready(folder: Path, environment: Environment, seconds: float) -> None:
    listed = json.loads(read_uv(["pip", "list", "--format", "json", "--python", str(folder / "bin" / "python")]))
    ready = {
        "environment": environment.name,
        "digest": environment.digest,
        "packages": {package["name"]: package["version"] for package in listed},
        "seconds": round(seconds, 3),
        "uv": read_uv(["--version"]).strip(),
    }
    (folder / READY).write_text(json.dumps(ready, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _unbuildable(definition: Definition, error: UvError) -> HarnessError:
    return HarnessError(
        f"{definition.shown}: environment {definition.name} cannot be built for Python {definition.python} "
        f"({', '.join(definition.requirements)}): uv {error.command} ended with {error.returncode}",
        *(f"  {line}" for line in error.words),
        hint=f"tell pip where the packages lie (pip config set global.extra-index-url URL), or change the "
        f"requirements and run: harness env lock {definition.name}",
        code=2,
    )


def _root(state: Path) -> Path:
    return state / "environments"


def _folder(environment: Environment, state: Path) -> Path:
    return _root(state) / f"{environment.name}-{environment.digest[:12]}"


def _lock_path(name: str, state: Path) -> Path:
    return _root(state) / f"{name}.lock"


def _workshop(name: str, state: Path) -> Path:
    """Where builds of this name are under way; nothing in it is ever used."""
    return _root(state) / f".building-{name}"


def _is_built(path: Path, name: str) -> bool:
    return path.is_dir() and re.fullmatch(re.escape(name) + "-[0-9a-f]{12}", path.name) is not None


def _set_aside(folder: Path, workshop: Path) -> None:
    """Away at once, to be deleted with the workshop: nobody finds half a venv."""
    if folder.exists():
        workshop.mkdir(parents=True, exist_ok=True)
        folder.rename(Path(tempfile.mkdtemp(dir=workshop)) / folder.name)
