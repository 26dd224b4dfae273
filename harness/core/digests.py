"""Digests that two rooms have to agree on.  Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping


def code_digest(files: Mapping[str, str]) -> str:
    """sha256 over a snapshot: ``files`` are paths with ``/`` below ``code/`` and the sha256 of each."""
    digest = hashlib.sha256()
    for name in sorted(files, key=lambda name: name.split("/")):
        digest.update(f"{name}\t{files[name]}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
