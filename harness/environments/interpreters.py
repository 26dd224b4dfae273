"""An interpreter that is there already, as an environment (kind = "system").  Looks, installs nothing."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Mapping
from dataclasses import replace

from harness.core.errors import HarnessError
from harness.core.values import Environment

# Runs there, so in old Python too.  The first of a name on sys.path is the one that is imported.
ASK = """
import importlib.metadata, importlib.util, json, platform, sys
packages = {}
for found in importlib.metadata.distributions():
    if found.metadata["Name"]:
        packages.setdefault(found.metadata["Name"], found.version)
there = importlib.util.find_spec(sys.argv[1]) is not None
print(json.dumps({"python": platform.python_version(), "packages": packages, "there": there}))
"""
SECONDS = 60  # to answer; it takes a tenth of one


def look(environment: Environment, install: str = "") -> tuple[Environment, Mapping[str, str]]:
    """The environment with the Python and the digest that were found, and the packages by name.

    Raises HarnessError where the interpreter does not answer or has not the framework; ``install`` is
    the command that would bring it.
    """
    shown = f"environments/{environment.name}.toml"
    hint = f"install it: {install}" if install else f"install {environment.framework} there, or mend interpreter ="
    try:
        # -I: neither the user's site, nor this folder, nor PYTHON* variables; a worker has none of them.
        done = subprocess.run(
            [str(environment.interpreter), "-I", "-c", ASK, environment.framework],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS,
            check=True,
        )
        said = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        words = error.stderr.splitlines()[-1:] if isinstance(error, subprocess.CalledProcessError) else [str(error)]
        raise HarnessError(
            f"{shown}: {environment.interpreter} does not answer as a Python 3.8 or newer",
            *(f"  {word}" for word in words),
            hint=hint,
        ) from None
    if not said["there"]:
        raise HarnessError(
            f"{shown}: {environment.framework} is not installed for {environment.interpreter}", hint=hint
        )
    packages = dict(sorted(said["packages"].items()))
    parts = [said["python"], packages, dict(environment.variables)]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    return replace(environment, python=".".join(said["python"].split(".")[:2]), digest=digest), packages
