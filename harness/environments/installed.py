"""The interpreter that runs the harness, taken as an environment (--environment current)."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import platform
import sys
from pathlib import Path

from harness.core.errors import HarnessError
from harness.core.values import Environment
from harness.environments.building import Built
from harness.environments.definitions import CURRENT
from harness.wire import COMMAND


def current(framework: str) -> Built:
    """Built from sys.executable and what is installed there.  Does not import the framework."""
    if framework != COMMAND and importlib.util.find_spec(framework) is None:
        raise HarnessError(
            f"environment {CURRENT!r}: {framework} is not installed for {sys.executable}",
            hint=f"install it there, or leave --environment out: the harness then builds one with {framework}",
        )
    packages = _installed()
    python = platform.python_version()
    digest = hashlib.sha256(json.dumps([python, packages], sort_keys=True).encode()).hexdigest()
    environment = Environment(
        name=CURRENT,
        framework=framework,
        python=".".join(python.split(".")[:2]),
        requirements=tuple(f"{name}=={version}" for name, version in packages.items()),
        variables={},
        digest=digest,
        summary=f"the running interpreter, {sys.executable}",
    )
    return Built(environment=environment, python=Path(sys.executable), seconds=0.0, packages=packages)


def _installed() -> dict[str, str]:
    found: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        found.setdefault(distribution.metadata["Name"], distribution.version)  # the first on sys.path is imported
    return dict(sorted(found.items()))
