"""Where the code of a run came from, when it lies in a git checkout: commit, address, what was not committed."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

SECONDS = 10.0  # for one question to git


@dataclass(frozen=True, kw_only=True)
class Repository:
    head: str  # commit
    remote: str  # address of origin without name and password; "" for none
    difference: str  # git diff of the tracked files that the run uses, against the commit


def repository_of(folders: Sequence[Path]) -> Repository | None:
    """The checkout that holds the first of ``folders``; None where there is none, or no git.

    Only what lies in ``folders`` is compared with the commit: the rest of a checkout may hold anything.
    """
    head = _git(folders[0], "rev-parse", "--verify", "--quiet", "HEAD")
    if not head:
        return None
    paths = [str(folder.resolve()) for folder in folders if _inside(folder, folders[0])]
    return Repository(
        head=head.strip(),
        remote=without_credentials(_git(folders[0], "config", "--get", "remote.origin.url").strip()),
        difference=_git(folders[0], "diff", "--no-color", "--no-ext-diff", "HEAD", "--", *paths),
    )


def without_credentials(address: str) -> str:
    """https://me:token@host/x.git?token=1 -> https://host/x.git; me@host:x.git -> host:x.git."""
    if "://" in address:
        parts = urlsplit(address)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, "", ""))
    return re.sub(r"^[^/@]*@", "", address)


def _inside(folder: Path, other: Path) -> bool:
    return _git(folder, "rev-parse", "--show-toplevel") == _git(other, "rev-parse", "--show-toplevel")


def _git(folder: Path, *words: str) -> str:
    """What git says on stdout; empty where it fails or is not there."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, errors="replace", timeout=SECONDS,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
