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


def installed_digest(python: str, packages: Mapping[str, str], installed: Mapping[str, str]) -> str:
    """sha256 over an interpreter as it was found: its version, and each package's version and content."""
    told = {name: f"{version} {installed.get(name, '')}" for name, version in packages.items()}
    return code_digest({**told, "python/version": python})
