"""environments/<name>.toml and <name>.lock -> Environment.  Opens files, runs nothing."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.core.errors import HarnessError, nearest
from harness.core.values import Environment
from harness.wire import COMMAND

CURRENT = "current"  # the interpreter that runs the harness: never a file
NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
DIGEST_LINE = "# definition: "


Framework = Literal["torch", "tensorflow", "numpy", "command"]  # command: what a wrapped program had installed


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    summary: str
    variables: dict[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], str] = Field(default_factory=dict)


class _Built(_Said):
    kind: Literal["built", "system"] = "built"  # system is read as _System; named here for whoever mistypes it
    framework: Framework
    python: Annotated[str, Field(pattern=r"^3\.\d+$")]
    requirements: list[Annotated[str, Field(min_length=1)]]
    index: str | None = None


class _System(_Said):
    """An interpreter that is there already."""

    kind: Literal["system"]
    framework: Framework
    interpreter: Annotated[str, Field(pattern=r"^/")]
    install: str = ""


class _Variant(_Said):
    """Another environment and its lock, with variables of its own beside or instead of the other's."""

    extends: str


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What a toml says, before its lock is looked at."""

    name: str
    framework: str
    python: str  # "3.11"; empty for a system interpreter, which has to be asked
    summary: str
    requirements: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    index: str | None = None  # tried only where pip's configuration alone does not provide the packages
    interpreter: str | None = None  # of kind "system": used as it is, neither built nor locked
    install: str = ""  # the command that brings the interpreter and its packages: told, never run
    toml: Path  # of an environment that extends another one, the other's
    extends: str | None = None

    @property
    def lock(self) -> Path:
        return self.toml.with_suffix(".lock")

    @property
    def shown(self) -> str:
        return f"environments/{self.name}.toml"

    @property
    def digest(self) -> str:
        """Of what decides the lock."""
        return _sha256([self.python, *self.requirements])


def load_environment(shelves: Sequence[Path], name: str) -> Environment:
    """The environment of the first shelf that has it.  Raises where its lock is missing or stale.

    That of a system interpreter has the digest of its definition; ``build`` looks what is there.
    """
    return _environment(load_definition(shelves, name))


def load_environments(shelves: Sequence[Path]) -> tuple[Environment, ...]:
    """All environments by name.  Raises with the faults of all of them."""
    loaded: list[Environment] = []
    faults: list[HarnessError] = []
    for name in sorted(definition_paths(shelves)):
        try:
            loaded.append(load_environment(shelves, name))
        except HarnessError as error:
            faults.append(error)
    if len(faults) == 1:
        raise faults[0]
    if faults:
        messages = dict.fromkeys(message for error in faults for message in error.messages)
        raise HarnessError(*messages, hint="; ".join(dict.fromkeys(error.hint for error in faults if error.hint)))
    return tuple(loaded)


def load_definition(shelves: Sequence[Path], name: str) -> Definition:
    """The toml alone, for whoever makes its lock."""
    if name == CURRENT:
        raise HarnessError(
            f"environment {CURRENT!r} is the interpreter that runs the harness: it has no toml, lock or build",
            hint=f"use it as: harness run MODEL --environment {CURRENT}",
        )
    paths = definition_paths(shelves)
    if name not in paths:
        raise HarnessError(f"unknown environment {name!r}", hint=nearest(name, {*paths, CURRENT}))
    return _definition(paths[name], paths)


def load_definitions(shelves: Sequence[Path]) -> tuple[Definition, ...]:
    """All of them by name, whether locked or not."""
    return tuple(load_definition(shelves, name) for name in sorted(definition_paths(shelves)))


def read_lock(definition: Definition) -> str:
    """The text of the lock.  Raises where it was made from another toml than this one."""
    locked = definition.lock.stem
    hint = f"harness env lock {locked}"
    shown = f"environments/{locked}.lock"
    if not definition.lock.is_file():
        raise HarnessError(f"environments/{locked}.toml: there is no {shown}", hint=f"make it: {hint}")
    text = definition.lock.read_text(encoding="utf-8")
    if f"{DIGEST_LINE}{definition.digest}" not in text.splitlines():
        message = f"{shown} no longer matches environments/{locked}.toml: its python or requirements were changed"
        raise HarnessError(message, hint=f"resolve it again: {hint}")
    return text


def definition_paths(shelves: Sequence[Path]) -> dict[str, Path]:
    """Definitions by name; an earlier shelf shadows a later one."""
    return {path.stem: path for shelf in reversed(shelves) for path in shelf.glob("environments/*.toml")}


def _definition(path: Path, paths: Mapping[str, Path]) -> Definition:
    said = _read(path)
    if problems := _problems(path, said):
        raise HarnessError(*(f"environments/{path.name}: {problem}" for problem in problems))
    if isinstance(said, _Variant):
        base = _extended(path, said.extends, paths)
        variables = {**base.variables, **said.variables}
        return replace(base, name=path.stem, summary=said.summary, variables=variables, extends=said.extends)
    own: dict[str, Any] = (
        {"python": "", "requirements": (), "interpreter": said.interpreter, "install": said.install}
        if isinstance(said, _System)
        else {"python": said.python, "requirements": tuple(said.requirements), "index": said.index}
    )
    return Definition(
        name=path.stem,
        framework=said.framework,
        summary=said.summary,
        variables=said.variables,
        toml=path,
        **own,
    )


def _read(path: Path) -> _Built | _System | _Variant:
    shown = f"environments/{path.name}"
    kind: type[_Built | _System | _Variant] = _Built
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        kind = _System if said.get("kind") == "system" else _Variant if "extends" in said else _Built
        return kind.model_validate(said)
    except tomllib.TOMLDecodeError as error:
        raise HarnessError(f"{shown}: {error}", hint="mend the TOML there: https://toml.io/en/v1.0.0") from None
    except ValidationError as error:
        raise HarnessError(*_faults(error, shown), hint=f"known keys: {', '.join(kind.model_fields)}") from None


def _extended(path: Path, name: str, paths: Mapping[str, Path]) -> Definition:
    shown = f"environments/{path.name}"
    if name not in paths:
        raise HarnessError(f"{shown}: extends the unknown environment {name!r}", hint=nearest(name, paths))
    if isinstance(found := _read(paths[name]), _Variant):
        raise HarnessError(
            f"{shown}: extends {name}, which itself extends {found.extends}", hint=f'write extends = "{found.extends}"'
        )
    return _definition(paths[name], paths)


def _problems(path: Path, said: _Built | _System | _Variant) -> list[str]:
    found = []
    if not NAME.fullmatch(path.stem) or path.stem == CURRENT:
        found.append(f"{path.stem!r} cannot name an environment (a-z, 0-9, '.', '_', '-'; not {CURRENT!r})")
    if isinstance(said, _Built) and not said.requirements and said.framework != COMMAND:
        found.append(f"requirements: should name {said.framework} at least, is []")
    words = (*said.requirements, said.index or "") if isinstance(said, _Built) else ()
    if any(re.search(r"://[^/\s]+@", word) for word in words):
        found.append("holds a password: put the index into pip's configuration, or the password into ~/.netrc")
    return found


def _faults(error: ValidationError, shown: str) -> list[str]:
    words = {"missing": "missing", "extra_forbidden": "unknown key"}
    return [
        f"{shown}: {'.'.join(str(part) for part in fault['loc'])}: "
        + words.get(fault["type"], f"{fault['msg'].replace('Input should', 'should')}, is {fault['input']!r}")
        for fault in error.errors(include_url=False)
    ]


def _environment(definition: Definition) -> Environment:
    text = definition.interpreter or read_lock(definition)
    variables = json.dumps(dict(definition.variables), sort_keys=True)
    return Environment(
        name=definition.name,
        framework=definition.framework,
        python=definition.python,
        requirements=definition.requirements,
        variables=dict(definition.variables),
        digest=_sha256([definition.python, text, variables]),
        summary=definition.summary,
        interpreter=definition.interpreter,
    )


def _sha256(parts: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(list(parts)).encode()).hexdigest()
