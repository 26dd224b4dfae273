"""A requirement such as torch==2.14.1 becomes environments/torch-2.14.toml and its lock, or nothing does.

What reads requirements and toml is imported where it is used: whoever runs a model does not pay for it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.errors import HarnessError
from harness.environments.definitions import CURRENT, NAME, Definition, definition_paths, load_definitions
from harness.environments.locking import lock
from harness.environments.uv_process import Say, silent
from harness.environments.versions import available_versions

if TYPE_CHECKING:
    from packaging.version import Version


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package that is a framework."""

    framework: str
    prefix: str  # of the environments' names
    title: str


PACKAGES = {
    "torch": Package(framework="torch", prefix="torch", title="PyTorch"),
    "tensorflow": Package(framework="tensorflow", prefix="tf", title="TensorFlow"),
    "tensorflow-cpu": Package(framework="tensorflow", prefix="tf", title="TensorFlow"),
    "numpy": Package(framework="numpy", prefix="numpy", title="NumPy"),
}
SHOWN = 12  # versions in an error message


def add(
    requirement: str,
    *,
    name: str | None,
    shelf: Path,
    shelves: Sequence[Path],
    preferred: Sequence[str],
    say: Say = silent,
) -> Path:
    """Write the toml and the lock of ``requirement`` to ``shelf``; return the toml's path.

    All but the framework's pin is taken from an environment of the same framework: one of
    ``preferred``, else the first by name.  Raises HarnessError where the name is taken or the
    version does not exist; then nothing was written.
    """
    package, version = _pinned(requirement)
    called = name or f"{PACKAGES[package].prefix}-{version.major}.{version.minor}"
    if not NAME.fullmatch(called) or called == CURRENT:
        raise HarnessError(f"{called!r} cannot name an environment", hint="use a-z, 0-9, '.', '_' and '-'")
    if taken := definition_paths(shelves).get(called):
        raise HarnessError(f"environment {called} is there already: {taken}", hint="give another --name")
    template = template_of(PACKAGES[package].framework, shelves, preferred)
    with tempfile.TemporaryDirectory(prefix="harness-add-") as folder:
        drafts = Path(folder, "environments")
        drafts.mkdir()
        draft = drafts / f"{called}.toml"
        draft.write_text(_toml(template, package, version), encoding="utf-8")
        try:
            locked = lock(called, shelves=[Path(folder)], say=say)
        except HarnessError:
            _raise_if_unknown(package, version, template)
            raise
        return _place(draft, locked, shelf)


def template_of(framework: str, shelves: Sequence[Path], preferred: Sequence[str]) -> Definition:
    """The environment that a new one of this framework is made after."""
    fitting = [
        definition
        for definition in load_definitions(shelves)
        if definition.framework == framework and definition.interpreter is None and definition.extends is None
    ]
    if not fitting:
        raise HarnessError(f"no environment holds {framework}, so there is none to make another after")
    return min(fitting, key=lambda definition: definition.name not in preferred)  # min takes the first of equals


def known_package(name: str) -> Package:
    """Raises HarnessError for what is no framework."""
    if name not in PACKAGES:
        raise HarnessError(f"{name!r} is no framework that the harness runs", hint=f"known: {', '.join(PACKAGES)}")
    return PACKAGES[name]


def _pinned(requirement: str) -> tuple[str, Version]:
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.version import Version

    hint = "name one version: harness env add torch==2.14.1; which exist: harness env discover torch"
    try:
        said = Requirement(requirement)
    except InvalidRequirement as error:
        raise HarnessError(f"{requirement!r} is no requirement: {str(error).splitlines()[0]}", hint=hint) from None
    known_package(said.name)
    specifiers = list(said.specifier)
    pinned = len(specifiers) == 1 and specifiers[0].operator == "==" and not specifiers[0].version.endswith("*")
    if not pinned or said.extras or said.marker or said.url:
        raise HarnessError(f"{requirement!r} does not name one version", hint=hint)
    return said.name, Version(specifiers[0].version)


def _toml(template: Definition, package: str, version: Version) -> str:
    """The template's text with another pin and summary: its comments and variables hold here too."""
    import tomlkit
    from packaging.requirements import Requirement

    document = tomlkit.parse(template.toml.read_text(encoding="utf-8"))
    document["summary"] = f"{PACKAGES[package].title} {version}"
    theirs = {name for name, known in PACKAGES.items() if known.framework == template.framework}
    others = [item for item in template.requirements if Requirement(item).name not in theirs]
    document["requirements"] = [f"{package}=={version}", *others]
    return tomlkit.dumps(document)


def _raise_if_unknown(package: str, version: Version, template: Definition) -> None:
    found = available_versions(package, python=template.python, index=template.index)
    if version in found:
        return  # it exists, but not together with the other requirements: uv has said why
    nearest = [str(item) for item in found if item.release[:1] == version.release[:1]] or [str(item) for item in found]
    listed = ", ".join(nearest[:SHOWN]) + (", ..." if len(nearest) > SHOWN else "")
    raise HarnessError(
        f"{package} {version} does not exist for Python {template.python} on this platform",
        hint=f"there are: {listed}" if found else f"pip's configuration leads to no {package} at all: pip config list",
    )


def _place(draft: Path, locked: Path, shelf: Path) -> Path:
    """The lock first: a toml without one would be a fault of the whole shelf."""
    target = shelf / "environments" / draft.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.with_suffix(".lock").write_text(locked.read_text(encoding="utf-8"), encoding="utf-8")
        with target.open("x", encoding="utf-8") as file:
            file.write(draft.read_text(encoding="utf-8"))
    except OSError as error:
        raise HarnessError(f"{target}: cannot be written: {error.strerror}") from None
    return target
