"""environments/<name>.toml and <name>.lock -> Environment.  Opens files, runs nothing."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.core.errors import HarnessError, nearest
from harness.core.values import Environment

CURRENT = "current"  # the interpreter that runs the harness: never a file
NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
DIGEST_LINE = "# definition: "


class _Definition(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    framework: Literal["torch", "tensorflow", "numpy"]
    python: Annotated[str, Field(pattern=r"^3\.\d+$")]
    summary: str
    requirements: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]
    variables: dict[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], str] = Field(default_factory=dict)
    index: str | None = None


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What a toml says, before its lock is looked at."""

    name: str
    framework: str
    python: str
    summary: str
    requirements: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    index: str | None  # tried only where pip's configuration alone does not provide the packages
    path: Path

    @property
    def lock(self) -> Path:
        return self.path.with_suffix(".lock")

    @property
    def shown(self) -> str:
        return f"environments/{self.name}.toml"

    @property
    def digest(self) -> str:
        """Of what decides the lock."""
        return _sha256([self.python, *self.requirements])


def load_environment(shelves: Sequence[Path], name: str) -> Environment:
    """The environment of the first shelf that has it.  Raises where its lock is missing or stale."""
    return _environment(load_definition(shelves, name))


def load_environments(shelves: Sequence[Path]) -> tuple[Environment, ...]:
    """All environments by name.  Raises with the faults of all of them."""
    loaded: list[Environment] = []
    faults: list[HarnessError] = []
    for name in sorted(_paths(shelves)):
        try:
            loaded.append(load_environment(shelves, name))
        except HarnessError as error:
            faults.append(error)
    if len(faults) == 1:
        raise faults[0]
    if faults:
        messages = (message for error in faults for message in error.messages)
        raise HarnessError(*messages, hint="; ".join(dict.fromkeys(error.hint for error in faults if error.hint)))
    return tuple(loaded)


def load_definition(shelves: Sequence[Path], name: str) -> Definition:
    """The toml alone, for whoever makes its lock."""
    if name == CURRENT:
        raise HarnessError(
            f"environment {CURRENT!r} is the interpreter that runs the harness: it has no toml, lock or build",
            hint=f"use it as: harness run MODEL --environment {CURRENT}",
        )
    paths = _paths(shelves)
    if name not in paths:
        raise HarnessError(f"unknown environment {name!r}", hint=nearest(name, {*paths, CURRENT}))
    return _definition(paths[name])


def read_lock(definition: Definition) -> str:
    """The text of the lock.  Raises where it was made from another toml than this one."""
    hint = f"harness env lock {definition.name}"
    shown = f"environments/{definition.name}.lock"
    if not definition.lock.is_file():
        raise HarnessError(f"{definition.shown}: there is no {shown}", hint=f"make it: {hint}")
    text = definition.lock.read_text(encoding="utf-8")
    if f"{DIGEST_LINE}{definition.digest}" not in text.splitlines():
        message = f"{shown} no longer matches {definition.shown}: its python or requirements were changed"
        raise HarnessError(message, hint=f"resolve it again: {hint}")
    return text


def _paths(shelves: Sequence[Path]) -> dict[str, Path]:
    """Definitions by name; an earlier shelf shadows a later one."""
    return {path.stem: path for shelf in reversed(shelves) for path in shelf.glob("environments/*.toml")}


def _definition(path: Path) -> Definition:
    shown = f"environments/{path.name}"
    try:
        said = _Definition.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise HarnessError(f"{shown}: {error}", hint="mend the TOML there: https://toml.io/en/v1.0.0") from None
    except ValidationError as error:
        raise HarnessError(*_faults(error, shown), hint=f"known keys: {', '.join(_Definition.model_fields)}") from None
    if problems := _problems(path, said):
        raise HarnessError(*(f"{shown}: {problem}" for problem in problems))
    return Definition(
        name=path.stem,
        framework=said.framework,
        python=said.python,
        summary=said.summary,
        requirements=tuple(said.requirements),
        variables=said.variables,
        index=said.index,
        path=path,
    )


def _problems(path: Path, said: _Definition) -> list[str]:
    found = []
    if not NAME.fullmatch(path.stem) or path.stem == CURRENT:
        found.append(f"{path.stem!r} cannot name an environment (a-z, 0-9, '.', '_', '-'; not {CURRENT!r})")
    if any(re.search(r"://[^/\s]+@", word) for word in (*said.requirements, said.index or "")):
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
    text = read_lock(definition)
    variables = json.dumps(dict(definition.variables), sort_keys=True)
    return Environment(
        name=definition.name,
        framework=definition.framework,
        python=definition.python,
        requirements=definition.requirements,
        variables=dict(definition.variables),
        digest=_sha256([definition.python, text, variables]),
        summary=definition.summary,
    )


def _sha256(parts: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(list(parts)).encode()).hexdigest()
