"""The digest of an interpreter as it was found.  Pure."""

from __future__ import annotations

from collections.abc import Mapping

from harness.wire.digests import code_digest


def installed_digest(python: str, packages: Mapping[str, str], installed: Mapping[str, str]) -> str:
    """sha256 over its version, and each package's version and content."""
    told = {name: f"{version} {installed.get(name, '')}" for name, version in packages.items()}
    return code_digest({**told, "python/version": python})
