"""The packages of a lock: fetched to travel along, and looked at before a lock is obeyed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from harness.core.errors import HarnessError
from harness.core.names import printable

# All that a lock of ours holds: comments, name==version with a marker, and hashes.
LINE = re.compile(
    r"\s*(#.*|--hash=sha256:[0-9a-f]{64}( \\)?"
    r"|[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._-]+\])?==[A-Za-z0-9.!+_-]+( ; [\w\s.'\"()<>=!-]+)?( \\)?)?"
)


def strange_lines(lock: str) -> list[str]:
    """Lines that could make an installer look elsewhere: options, addresses, paths, other files."""
    return [printable(line, 80) for line in lock.splitlines() if not LINE.fullmatch(line)]


def download_wheels(lock: Path, python: str, folder: Path, index: str | None) -> None:
    """Every package of ``lock`` into ``folder``, by pip with its configuration, for Python ``python`` ("3.11").

    Raises HarnessError with pip's words where one cannot be had as a wheel.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--only-binary=:all:", "--python-version", python, "--dest", str(folder), "--requirement", str(lock)]
    command += ["--extra-index-url", index] if index else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise HarnessError(
            "the wheels cannot be fetched:",
            *(f"  {line}" for line in words[-5:]),
            hint="pack without --with-wheels: whoever reproduces it then needs an index that has them",
            code=3,
        )
