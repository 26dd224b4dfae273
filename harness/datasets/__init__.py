"""Data sets: found or fetched, checked against pinned digests, prepared to .npy with a manifest."""

from harness.datasets.catalogue import Description, describe, names
from harness.datasets.prepare import Prepared, prepare, verify

__all__ = ["Description", "Prepared", "describe", "names", "prepare", "verify"]
