"""An environment as two texts that make it again: its toml, whatever it extends said in it, and its lock."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import tomlkit

from harness.environments.definitions import CURRENT, load_definition, read_lock


def written(shelves: Sequence[Path], name: str) -> dict[str, str]:
    """{".toml": text, ".lock": text}; a system interpreter has no lock, the running one nothing.

    Equal definitions give equal texts, and the environment that they make has the same digest.
    """
    if name == CURRENT:
        return {}
    definition = load_definition(shelves, name)
    said = {
        "kind": "system" if definition.interpreter else "built",
        "framework": definition.framework,
        "summary": definition.summary,
        "python": definition.python,
        "requirements": list(definition.requirements),
        "index": definition.index,
        "interpreter": definition.interpreter,
        "install": definition.install,
        "variables": dict(sorted(definition.variables.items())),
    }
    toml = tomlkit.dumps({key: value for key, value in said.items() if value})
    return {".toml": toml} if definition.interpreter else {".toml": toml, ".lock": read_lock(definition)}
