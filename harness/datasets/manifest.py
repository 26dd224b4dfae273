"""A prepared set, what of its manifest a training sees, and the digest of that."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.wire.events import dumps

SEEN = ("name", "layout", "classes", "sample_shape", "splits", "graph")


@dataclass(frozen=True, kw_only=True)
class Prepared:
    name: str
    path: Path
    manifest: Mapping[str, Any]


def digest_of(manifest: Mapping[str, Any]) -> str:
    """sha256 over what a training sees of the manifest, as canonical JSON: a better title changes nothing."""
    return hashlib.sha256(dumps({key: manifest[key] for key in SEEN if key in manifest}).encode()).hexdigest()
