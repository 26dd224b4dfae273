"""Notes what a Python program reads, for ``harness wrap``.  Found by PYTHONPATH, in every process that it starts.

A line of JSON for each file that is opened to be read, with its size and time of change at that moment, and at the
end one for what was imported and installed.  It sees what goes through Python's ``open``; not what a library opens
in C (HDF5, TensorFlow's own readers, OpenCV), nor what another program reads.
"""

import atexit
import hashlib
import json
import os
import sys
from typing import Any, Dict, Set

_LOG = os.environ.get("HARNESS_TRACE", "")
_BUSY = [False]
_SEEN: Set[Any] = set()
_ADDED = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json")


def _write(**fields: Any) -> None:
    line = (json.dumps(fields) + "\n").encode("utf-8", "backslashreplace")
    descriptor = os.open(_LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


def _source(path: str) -> str:
    """lib/net.py for lib/__pycache__/net.cpython-311.pyc: which of the two is read depends on an earlier run."""
    folder, name = os.path.split(path)
    if name.endswith(".pyc") and os.path.basename(folder) == "__pycache__":
        return os.path.join(os.path.dirname(folder), name.split(".")[0] + ".py")
    return path


def _hook(event: str, arguments: Any) -> None:
    if event != "open" or _BUSY[0]:
        return
    path, mode, flags = arguments
    if not isinstance(path, (str, bytes)) or path in _SEEN:
        return
    if isinstance(mode, str) and not ("r" in mode or "+" in mode):
        return
    if mode is None and isinstance(flags, int) and flags & os.O_ACCMODE == os.O_WRONLY:
        return
    _BUSY[0] = True
    try:
        _SEEN.add(path)
        full = _source(os.path.abspath(os.fsdecode(path)))
        found = os.stat(full)
        if found.st_mode & 0o170000 == 0o100000:
            _write(read=full, bytes=found.st_size, changed=found.st_mtime_ns)
    except (OSError, ValueError):
        pass  # it is not there: the program will see that itself
    finally:
        _BUSY[0] = False


def _at_the_end() -> None:
    _BUSY[0] = True
    try:
        files = {}
        for name, module in list(sys.modules.items()):
            path = getattr(module, "__file__", None)
            if isinstance(path, str):
                files[name] = os.path.abspath(path)
        from importlib import metadata

        packages: Dict[str, str] = {}
        installed: Dict[str, str] = {}
        elsewhere = []
        for distribution in metadata.distributions():
            name = str(distribution.metadata["Name"] or "").lower()
            if name and name not in packages:  # the first on sys.path is imported
                packages[name] = distribution.version
                installed[name] = _content(distribution.read_text("RECORD"))
                if distribution.read_text("direct_url.json"):
                    elsewhere.append(name)
        _write(
            modules=files, packages=packages, installed=installed, elsewhere=elsewhere,
            python=sys.version.split()[0], executable=sys.executable, prefix=[sys.prefix, sys.base_prefix],
        )  # fmt: skip
    except Exception:  # noqa: BLE001 - a program must not fail because it was watched
        pass


def _content(record: Any) -> str:
    """sha256 over the files of a package as its RECORD names them, without those that an installer adds.

    So it is the same whoever installed the wheel, pip or uv.  "" where there is no RECORD: Debian's packages.
    """
    if not record:
        return ""
    lines = sorted(line.strip() for line in record.splitlines() if _of_the_wheel(line))
    return hashlib.sha256("\n".join(lines).encode("utf-8", "backslashreplace")).hexdigest()


def _of_the_wheel(line: str) -> bool:
    path, _, rest = line.strip().partition(",")
    name = path.rsplit("/", 1)[-1]
    added = name in _ADDED and ".dist-info/" in path
    return bool(rest) and not (added or path.startswith(("..", "/")) or path.endswith(".pyc"))


def _next_sitecustomize() -> None:
    """The one that this file hides, if there is any."""
    here = os.path.dirname(os.path.abspath(__file__))
    import importlib.util

    for folder in sys.path:
        path = os.path.join(folder or ".", "sitecustomize.py")
        if os.path.abspath(folder or ".") != here and os.path.isfile(path):
            spec = importlib.util.spec_from_file_location("sitecustomize", path)
            if spec is not None and spec.loader is not None:
                spec.loader.exec_module(importlib.util.module_from_spec(spec))
            return


_next_sitecustomize()
if _LOG:
    atexit.register(_at_the_end)
    sys.addaudithook(_hook)
