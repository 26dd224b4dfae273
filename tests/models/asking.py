"""A script in a framework's environment, and what it says."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any


def answer_of(python: Path, *arguments: str, given: str | None = None) -> Any:
    """The last line on stdout, read as JSON; ``given`` is stdin.  Fails with what stderr says."""
    ended = subprocess.run(
        [str(python), "-s", *arguments],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])
