"""Resolves an environment's requirements to a lock with hashes, by uv."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import tomlkit

from harness.core.errors import HarnessError
from harness.environments.definitions import DIGEST_LINE, Definition, load_definition
from harness.environments.pip_configuration import PipConfiguration, pip_configuration
from harness.environments.uv_process import Say, UvError, redacted, run_uv, silent
from harness.wire import COMMAND

PLAIN_WITH_HASHES = ("--generate-hashes", "--no-header", "--no-annotate", "--quiet")


def lock(name: str, *, shelves: Sequence[Path], say: Say = silent, upgrade: bool = False) -> Path:
    """Write environments/<name>.lock beside its toml and return its path.

    Versions of the lock that is there are kept where they still fit, unless ``upgrade``.
    """
    definition = load_definition(shelves, name)
    if definition.interpreter is not None:
        message = f"environment {name} is {definition.interpreter} as it is: it has no lock"
        raise HarnessError(message, hint="what is installed there is recorded with every run")
    if definition.extends is not None:
        message = f"environment {name} has the lock of {definition.extends}, which it extends"
        raise HarnessError(message, hint=f"harness env lock {definition.extends}")
    before = definition.lock.read_text(encoding="utf-8") if definition.lock.is_file() and not upgrade else ""
    say(f"resolving {name} for Python {definition.python}: {', '.join(definition.requirements)}")
    text = _header(definition) + _resolved(definition, before, say)
    _write(definition.lock, text)
    return definition.lock


def lock_installed(name: str, packages: Mapping[str, str], python: str, *, say: Say = silent) -> dict[str, str]:
    """{".toml": text, ".lock": text} of exactly these versions, as far as an index has them; hashes are the index's.

    What no index has is in neither: only whoever knows what was installed can tell that it is missing.
    """
    pins = [f"{package}=={version}" for package, version in sorted(packages.items())]
    say(f"looking for {len(pins)} installed packages on the index")
    with tempfile.TemporaryDirectory(prefix="harness-lock-") as folder:
        toml = Path(folder, "environments", f"{name}.toml")
        toml.parent.mkdir()
        empty = Definition(name=name, framework=COMMAND, python=python, summary="", requirements=(), toml=toml)
        found = replace(empty, requirements=tuple(_on_the_index(empty, pins, say)))
        said = {
            "kind": "built",
            "framework": COMMAND,
            "summary": "what the program had installed",
            "python": python,
            "requirements": list(found.requirements),
        }
        locked = _compile(found, "", pip_configuration(), ("--no-deps",), say)
        return {".toml": tomlkit.dumps(said), ".lock": _header(found) + locked}


def _on_the_index(empty: Definition, pins: Sequence[str], say: Say) -> list[str]:
    """Those that resolve: all at once, else by halves, down to the ones that do not."""
    if not pins:
        return []
    try:
        _compile(replace(empty, requirements=tuple(pins)), "", pip_configuration(), ("--no-deps",), silent)
        return list(pins)
    except UvError:
        if len(pins) == 1:
            say(f"no index has {pins[0]}")
            return []
    half = len(pins) // 2
    return _on_the_index(empty, pins[:half], say) + _on_the_index(empty, pins[half:], say)


def _header(definition: Definition) -> str:
    return (
        f"# {definition.shown}, resolved for Python {definition.python}.\n"
        f"# Made by: harness env lock {definition.name}.  Do not edit.\n"
        f"{DIGEST_LINE}{definition.digest}\n"
    )


def _resolved(definition: Definition, before: str, say: Say) -> str:
    pip = pip_configuration()
    try:
        return _compile(definition, before, pip, (), say)
    except UvError as error:
        if definition.index is None:
            raise _unresolvable(definition, error) from None
        first = error
    say(f"not found by pip's configuration alone; trying {definition.index} as well")
    try:
        return _compile(definition, before, pip, ("--index", definition.index), say)
    except UvError:
        raise _unresolvable(definition, first) from None


def _compile(definition: Definition, before: str, pip: PipConfiguration, extra: Sequence[str], say: Say) -> str:
    with tempfile.TemporaryDirectory(prefix="harness-lock-") as folder:
        wanted, locked = Path(folder, "requirements.in"), Path(folder, "requirements.txt")
        wanted.write_text("\n".join(definition.requirements) + "\n", encoding="utf-8")
        locked.write_text(before, encoding="utf-8")
        form = ("--python-version", definition.python, *PLAIN_WITH_HASHES)
        constraints = [word for path in pip.constraints for word in ("--constraints", path)]
        paths = (str(wanted), "--output-file", str(locked))
        run_uv(
            ["pip", "compile", *paths, *form, *constraints, *pip.options(), *extra],
            pip=pip,
            say=say,
        )
        return redacted(locked.read_text(encoding="utf-8"))


def _unresolvable(definition: Definition, error: UvError) -> HarnessError:
    wanted = ", ".join(definition.requirements)
    return HarnessError(
        f"{definition.shown}: cannot be resolved for Python {definition.python}: {wanted}",
        *(f"  {line}" for line in error.words),
        hint="mend the requirements, or tell pip where the packages lie (pip config set global.extra-index-url URL)",
    )


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.new")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.rename(path)
    except OSError as error:  # a shelf inside an installed wheel is often read-only
        hint = f"copy {path.with_suffix('.toml').name} to environments/ of your own workspace and lock it there"
        raise HarnessError(f"{path}: cannot be written: {error.strerror}", hint=hint) from None
    finally:
        temporary.unlink(missing_ok=True)
