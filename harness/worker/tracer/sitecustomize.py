"""Notes what a Python program reads, for ``harness wrap``.  Found by PYTHONPATH, in every process that it starts.

A line of JSON for each file that is opened to be read, with its size and time of change at that moment, and at the
end one for what was imported and installed.  It sees what goes through Python's ``open``; not what a library opens
in C (HDF5, TensorFlow's own readers, OpenCV), nor what another program reads.
"""

import atexit
import json
import os
import sys
from typing import Any, Dict, Set

_LOG = os.environ.get("HARNESS_TRACE", "")
_BUSY = [False]
_SEEN: Set[Any] = set()


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
        for distribution in metadata.distributions():
            if distribution.metadata["Name"]:
                packages.setdefault(str(distribution.metadata["Name"]).lower(), distribution.version)
        _write(modules=files, packages=packages, python=sys.version.split()[0], prefix=[sys.prefix, sys.base_prefix])
    except Exception:  # noqa: BLE001 - a program must not fail because it was watched
        pass


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
