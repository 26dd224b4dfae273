"""Data sets: found or fetched, checked against pinned digests, prepared to .npy with a manifest."""

from harness.datasets.catalogue import Description, describe, names
from harness.datasets.manifest import Prepared
from harness.datasets.prepare import prepare, verify
from harness.datasets.shards import Wish, make_shards

__all__ = ["Description", "Prepared", "Wish", "describe", "make_shards", "names", "prepare", "verify"]
