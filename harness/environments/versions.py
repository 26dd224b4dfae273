"""Which versions of a package exist, by pip itself: its configuration, credentials and proxies hold.

uv has no command for it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.errors import HarnessError
from harness.environments.uv_process import KEPT_LINES, redacted

if TYPE_CHECKING:
    from packaging.version import Version

LISTED = "Available versions:"  # as pip index says it since 21.2


def available_versions(package: str, *, python: str, index: str | None = None) -> tuple[Version, ...]:
    """Those with a wheel for this Python and this platform, the newest first; none where the name is unknown.

    ``index`` is one more index to ask.  Pre-releases are left out, as pip does.  Raises HarnessError
    where no index answers.
    """
    from packaging.version import Version

    extra = ["--extra-index-url", index] if index else []
    wanted = ["--python-version", python, "--only-binary", ":all:", "--retries", "1", *extra]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "index", "versions", package, *wanted],
        cwd=Path(os.sep),
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    for line in done.stdout.splitlines():
        if line.startswith(LISTED):
            return tuple(sorted(map(Version, line.removeprefix(LISTED).replace(",", " ").split()), reverse=True))
    if "No matching distribution found" in done.stderr and "Retrying" not in done.stderr:
        return ()
    words = redacted(done.stderr).splitlines()[-KEPT_LINES:]
    raise HarnessError(
        f"pip cannot say which versions of {package} exist",
        *(f"  {word}" for word in words),
        hint="see what pip is told: pip config list; pip index versions NAME",
    )
