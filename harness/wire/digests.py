"""Digests that several rooms have to agree on.  Standard library only."""

from __future__ import annotations

import hashlib
import os
from typing import Dict, Mapping


def code_digest(files: Mapping[str, str]) -> str:
    """sha256 over a snapshot: ``files`` are paths with ``/`` below ``code/`` and the sha256 of each."""
    digest = hashlib.sha256()
    for name in sorted(files, key=lambda name: name.split("/")):
        digest.update(("%s\t%s\n" % (name, files[name])).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def snapshot_digest(code: str) -> str:
    """``code_digest`` of the files below the folder ``code``, without what Python caches."""
    files: Dict[str, str] = {}
    for folder, below, names in os.walk(code):
        below[:] = [name for name in below if name != "__pycache__"]
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                files[os.path.relpath(path, code).replace(os.sep, "/")] = hashlib.sha256(file.read()).hexdigest()
    return code_digest(files)
