"""Where the images of a set that is to be prepared lie, and which of them make a shard."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.core.errors import HarnessError
from harness.datasets.catalogue import Description
from harness.datasets.images import SPLITS, missing
from harness.datasets.tfrecord import read_example, read_records
from harness.wire.listing import list_images, shard_names

RECORDS = {"train": "train", "val": "validation"}  # what the splits are called in TFRecord files
PROBED = 64  # images that size and time are told by


class Part(Protocol):
    """What becomes one shard."""

    @property
    def name(self) -> str: ...
    def images(self) -> Iterator[tuple[Path | bytes, int]]:
        """File or encoded bytes, and label, of each image."""
        ...


@dataclass(frozen=True, kw_only=True)
class FolderPart:
    name: str
    files: Sequence[tuple[str, int]]  # path and label

    def images(self) -> Iterator[tuple[Path, int]]:
        return ((Path(path), label) for path, label in self.files)


@dataclass(frozen=True, kw_only=True)
class RecordPart:
    """A TFRecord file; its labels are as they stand there."""

    name: str
    path: Path

    def images(self) -> Iterator[tuple[bytes, int]]:
        for number, record in enumerate(read_records(self.path)):
            try:
                example = read_example(record)
                (encoded,), (label,) = example["image/encoded"], example["image/class/label"]
            except (KeyError, ValueError) as error:
                raise HarnessError(
                    f"{self.path}: record {number} has no image/encoded with an image/class/label: {error}", code=3
                ) from error
            if not isinstance(encoded, bytes) or not isinstance(label, int):
                raise HarnessError(f"{self.path}: record {number}: image or label is of another type", code=3)
            yield encoded, label


@dataclass(frozen=True, kw_only=True)
class Source:
    layout: str
    parts: Mapping[str, Sequence[Part]]  # by split
    samples: int  # a guess by the size of the files where these do not say it
    probe: Sequence[Path | bytes]  # some images, from all over it where that costs nothing
    classes: tuple[str, ...]  # names of the labels 0, 1, ...; none where only numbers are known
    digest: str  # over names and sizes, so that a changed source is not gone on with


def find_source(item: Description, data_roots: Sequence[Path], images_per_shard: int) -> Source:
    """The first data root with an image folder or with TFRecord files.  Raises HarnessError where none has."""
    looked = [root / item.name for root in data_roots]
    for folder in looked:
        if all(any(_folders(folder / split)) for split in SPLITS):
            return _from_folder(folder, images_per_shard)
        records = {split: _record_files(folder, split) for split in SPLITS}
        if all(records.values()):
            return _from_records(records)
    raise missing(item, looked)


def _from_folder(folder: Path, images_per_shard: int) -> Source:
    listings = {split: list_images(str(folder / split)) for split in SPLITS}
    if listings["train"].classes != listings["val"].classes:
        raise HarnessError(f"{folder}: train and val have different class folders", code=3)
    parts: dict[str, list[Part]] = {}
    for split, listing in listings.items():
        files = list(zip(listing.paths, listing.labels, strict=True))
        chunks = [files[start : start + images_per_shard] for start in range(0, len(files), images_per_shard)]
        named = zip(shard_names(split, len(chunks)), chunks, strict=True)
        parts[split] = [FolderPart(name=name, files=chunk) for name, chunk in named]
    return Source(
        layout="image-folder",
        parts=parts,
        samples=sum(len(listing.paths) for listing in listings.values()),
        probe=[Path(path) for path in listings["train"].paths[:: -(-len(listings["train"].paths) // PROBED)]],
        classes=tuple(listings["train"].classes),
        digest=_digest([listing.digest for listing in listings.values()]),
    )


def _from_records(files: Mapping[str, Sequence[Path]]) -> Source:
    parts: dict[str, list[Part]] = {}
    for split, paths in files.items():
        promised = int(paths[0].name[-5:])
        if [path.name[:-9] for path in paths] != [f"{RECORDS[split]}-{number:05}" for number in range(promised)]:
            raise HarnessError(
                f"{paths[0].parent}: {len(paths)} of {promised} {RECORDS[split]} files are there", code=3
            )
        named = zip(shard_names(split, promised), paths, strict=True)
        parts[split] = [RecordPart(name=name, path=path) for name, path in named]
    first = [image for image, _ in parts["train"][0].images()]
    sizes = [path.stat().st_size for paths in files.values() for path in paths]
    return Source(
        layout="tfrecord",
        parts=parts,
        samples=round(len(first) * sum(sizes) / sizes[0]),
        probe=first[:: -(-len(first) // PROBED)],
        classes=(),
        digest=_digest([f"{path.name}\t{path.stat().st_size}" for paths in files.values() for path in paths]),
    )


def _folders(folder: Path) -> Iterator[Path]:
    return (entry for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else iter(())


def _record_files(folder: Path, split: str) -> list[Path]:
    pattern = f"{RECORDS[split]}-[0-9][0-9][0-9][0-9][0-9]-of-[0-9][0-9][0-9][0-9][0-9]"
    places = (folder, folder / split, folder / RECORDS[split])
    return next((found for place in places if (found := sorted(place.glob(pattern)))), [])


def _digest(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
