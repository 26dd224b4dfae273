"""Runs uv, the package installer, and passes on what it says, without passwords.

uv runs in the root folder with its input closed, so that neither a pyproject.toml nor a uv.toml of
the folder one happens to stand in decides what is installed.  The user's own uv configuration
(~/.config/uv/uv.toml, UV_* variables: cache, offline, Python downloads) is left to work.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.environments.pip_configuration import PipConfiguration

Say = Callable[[str], None]
KEPT_LINES = 15  # of what uv said before it failed: its resolver's reasons fit
CHATTER = (" + ", "Using ")  # every package once more, and a folder that is about to be renamed


def silent(_line: str) -> None:
    """For callers who do not show progress."""


class UvError(Exception):
    """uv ended with an error; ``words`` are its last lines."""

    def __init__(self, command: str, returncode: int, words: tuple[str, ...]) -> None:
        super().__init__(f"uv {command} ended with {returncode}")
        self.command = command
        self.returncode = returncode
        self.words = words


def redacted(text: str) -> str:
    """Without user names and passwords in URLs."""
    return re.sub(r"(?<=://)[^/\s@'\"`]+@", "****@", text)


def run_uv(arguments: Sequence[str], *, pip: PipConfiguration, say: Say = silent) -> None:
    """Run to the end, saying each line as it comes.  Raises UvError."""
    last: deque[str] = deque(maxlen=KEPT_LINES)
    with subprocess.Popen(
        [_binary(), *arguments],
        cwd=Path(os.sep),
        env=_variables(pip),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            for line in process.stdout or ():
                if words := redacted(line.rstrip()):
                    last.append(words)
                    if not words.startswith(CHATTER):
                        say(words.strip())
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise UvError(_command(arguments), process.returncode, tuple(last))


def read_uv(arguments: Sequence[str]) -> str:
    """What uv prints, for questions that need no index.  Raises UvError."""
    done = subprocess.run(
        [_binary(), *arguments],
        cwd=Path(os.sep),
        env=_variables(PipConfiguration()),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        words = redacted(done.stderr).splitlines()[-KEPT_LINES:]
        raise UvError(_command(arguments), done.returncode, tuple(words))
    return done.stdout


def _binary() -> str:
    import uv

    return uv.find_uv_bin()


def _variables(pip: PipConfiguration) -> dict[str, str]:
    # An active environment must not be taken for the one that is asked for.
    inherited = {key: value for key, value in os.environ.items() if key not in {"VIRTUAL_ENV", "CONDA_PREFIX"}}
    return {**inherited, **pip.variables(), "NO_COLOR": "1"}


def _command(arguments: Sequence[str]) -> str:
    return " ".join(word for word in arguments[:2] if not word.startswith(("-", os.sep)))
