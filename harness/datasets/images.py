"""An image folder is used where it lies: its manifest is made of names and sizes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.core.errors import HarnessError
from harness.datasets.catalogue import Description
from harness.wire.listing import Listing, counts, list_images

SPLITS = ("train", "val")
COMPLETE = {"train": 1_281_167, "val": 50_000}  # ILSVRC 2012
DOWNLOADS = "https://image-net.org/challenges/LSVRC/2012/2012-downloads.php"  # the sizes stand there


def image_folder(item: Description, data_roots: Sequence[Path]) -> tuple[Path, dict[str, Any]]:
    """Its path and manifest (without digest).  Raises HarnessError where a split is missing or differs in classes.

    The listing's digest covers names and sizes, not contents: reading 150 GB before every run would
    cost more than the run's first epoch.
    """
    looked = [root / item.name for root in data_roots]
    path = next((folder for folder in looked if all((folder / split).is_dir() for split in SPLITS)), None)
    if path is None:
        raise missing(item, looked)
    listings = {split: list_images(str(path / split)) for split in SPLITS}
    if listings["train"].classes != listings["val"].classes or not listings["train"].paths or not listings["val"].paths:
        raise HarnessError(
            f"{path}: train has {len(listings['train'].classes)} classes and {len(listings['train'].paths)} images, "
            f"val {len(listings['val'].classes)} and {len(listings['val'].paths)}",
            hint="both need images in the same class folders; sort the validation images into theirs",
            code=3,
        )
    sizes = {split: len(listing.paths) for split, listing in listings.items()}
    return path, {
        "name": item.name,
        "title": item.title,
        "layout": "image-folder",
        "classes": len(listings["train"].classes),
        "sample_shape": [3, 224, 224],
        "source": item.source,
        "url": item.url,
        "licence": item.licence,
        "published": COMPLETE,
        "complete": sizes == COMPLETE and len(listings["train"].classes) == item.classes,
        "splits": {split: _split(split, listing) for split, listing in listings.items()},
    }


def missing(item: Description, looked: Sequence[Path]) -> HarnessError:
    """What to say where a set of images is nowhere: what is needed, where, and how large it is."""
    return HarnessError(
        f"data set {item.name} is missing; looked in {', '.join(map(str, looked)) or 'no data root: none is set'}",
        f"needed: {item.name}/train/<class>/*.JPEG and {item.name}/val/<class>/*.JPEG",
        f"or, to be made into shards by harness data prepare {item.name}: TFRecord files "
        f"{item.name}/train-00000-of-01024 ... and {item.name}/validation-00000-of-00128 ...",
        f"about {item.size_bytes / 1e9:.0f} GB: {COMPLETE['train']:,} images to train (138 GB as published) and "
        f"{COMPLETE['val']:,} to validate (6.3 GB), from {DOWNLOADS}",
        hint="name the folder above it with --data-dir DIR, HARNESS_DATA_DIR, or [data] roots in harness.toml",
        code=3,
    )


def made_folder(folder: Path) -> dict[str, Any]:
    """The splits of a small image folder that we made ourselves, with digests of its contents."""
    listings = {split: list_images(str(folder / split)) for split in SPLITS}
    return {
        split: {**_split(split, listing), "sha256": content_digest(listing.paths)}
        for split, listing in listings.items()
    }


def content_digest(paths: Sequence[str]) -> str:
    """sha256 over the bytes of the files, in order."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()


def _split(name: str, listing: Listing) -> dict[str, Any]:
    return {
        "samples": len(listing.paths),
        "counts": counts(listing),
        "folder": name,
        "listing": listing.digest,
    }
