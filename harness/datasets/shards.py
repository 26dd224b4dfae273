"""An image data set made into a few large files, once: what a training then maps into memory.

A shard is the images of its part one behind the other; beside it lies what is in it.  JPEGs and not decoded
pixels: the train split of ImageNet at a short side of 256 would be 1.3 million times 256 x 341 x 3 bytes,
335 GB, more than the memory that would have to hold it, while JPEGs of that size fit into many a server's.
What decoding costs is spared by smaller pictures.  A random crop of a resized picture is not one of the
original: the set has a digest of its own, and its manifest says how it was made.

Nothing that has its final name is unfinished: every file appears by a rename, and so does the folder.  What a
kill leaves is gone on with.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy

from harness.core.errors import HarnessError
from harness.datasets.catalogue import Description
from harness.datasets.images import COMPLETE, SPLITS
from harness.datasets.manifest import Prepared, digest_of
from harness.datasets.parts import Part, Source, find_source
from harness.wire.events import dumps
from harness.wire.listing import shard_names

Say = Callable[[str], None]

FOLDER = "shards"  # of the finished set: <name>-shards
QUALITY = 95  # of a JPEG that is made anew
IMAGES_PER_SHARD = 4096  # of ImageNet's about 150 MB: a kill costs less than a minute
SPARE_BYTES = 1_000_000_000  # that the disk must keep


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How the shards are to be made.  ``short_side`` 0 keeps every file as it is."""

    into: Path
    short_side: int
    threads: int
    images_per_shard: int = IMAGES_PER_SHARD


def make_shards(item: Description, data_roots: Sequence[Path], wish: Wish, say: Say) -> Prepared:
    """Make ``into/<name>-shards`` and return it.  Goes on where an earlier call was killed.

    Raises HarnessError where there is no source, the disk is too small, or another set is there already.
    """
    from filelock import FileLock

    if item.kind != "image-folder":
        raise HarnessError(
            f"data set {item.name} is no image folder of yours", hint=f"run: harness data fetch {item.name}"
        )
    final, work = wish.into / f"{item.name}-{FOLDER}", wish.into / f".{item.name}-{FOLDER}"
    wish.into.mkdir(parents=True, exist_ok=True)
    with FileLock(wish.into / f"{item.name}-{FOLDER}.lock"):
        source = find_source(item, data_roots, wish.images_per_shard)
        plan = {"source": source.digest, **_how(source, wish)}
        if final.is_dir():
            if json.loads((final / "plan.json").read_text()) == plan:
                say(f"{item.name} is prepared already")
                return read_shards(final)
            raise HarnessError(f"{final} was made otherwise, or of other images", hint=f"remove {final} first", code=3)
        _open(work, plan)
        parts = [part for split in SPLITS for part in source.parts[split]]
        left = [part for part in parts if not (work / f"{part.name}.json").is_file()]
        with ThreadPoolExecutor(wish.threads) as pool:
            if left:
                _announce(item, source, wish, len(left) / len(parts), len(parts) - len(left), pool, say)
            for number, part in enumerate(left, start=len(parts) - len(left) + 1):
                _write_part(part, work, wish, pool)
                say(f"{number} of {len(parts)} shards: {part.name}")
        say("reading every byte back")
        manifest = _manifest(item, source, wish, work)
        _write(work / "manifest.json", (dumps(manifest, indent=1) + "\n").encode())
        work.rename(final)
    return Prepared(name=item.name, path=final, manifest=manifest)


def read_shards(path: Path) -> Prepared:
    """Raises HarnessError where the manifest was changed; the files are for ``check_shards``."""
    manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    if digest_of(manifest) != manifest.get("digest"):
        raise HarnessError(f"{path / 'manifest.json'}: was changed", hint=f"remove {path}", code=3)
    return Prepared(name=manifest["name"], path=path, manifest=manifest)


def find_shards(item: Description, places: Sequence[Path]) -> Path | None:
    """The prepared set in the first of ``places`` that has one."""
    found = (place / f"{item.name}-{FOLDER}" for place in places)
    return next((folder for folder in found if (folder / "manifest.json").is_file()), None)


def check_shards(path: Path, manifest: Mapping[str, Any], *, whole: bool) -> None:
    """Compare the files with the manifest: sizes, or every byte.  Raises HarnessError with the first that differs."""
    hint = f"remove {path} and run: harness data prepare {manifest['name']}"
    for split, entry in manifest["splits"].items():
        for array in entry["arrays"].values():
            if _sha256(path / array["file"]) != array["sha256"]:
                raise HarnessError(f"{path / array['file']}: expected sha256 {array['sha256']}", hint=hint, code=3)
        digests, total = hashlib.sha256(), 0
        for name in shard_names(split, entry["shards"]):
            said = _sidecar(path / f"{name}.json")
            size = (path / f"{name}.images").stat().st_size if (path / f"{name}.images").is_file() else -1
            found = _sha256(path / f"{name}.images") if whole and size == said["bytes"] else said["sha256"]
            if size != said["bytes"] or found != said["sha256"]:
                raise HarnessError(
                    f"{path / name}.images: expected {said['bytes']} bytes with sha256 {said['sha256']}, "
                    f"found {size} with {found if whole else 'a sha256 that was not asked for'}",
                    hint=hint,
                    code=3,
                )
            digests.update(bytes.fromhex(said["sha256"]))
            total += size
        if (digests.hexdigest(), total) != (entry["sha256"], entry["bytes"]):
            raise HarnessError(f"{path}: the shards of {split} are not those of the manifest", hint=hint, code=3)


def shrink(image: Path | bytes, short_side: int) -> bytes:
    """The image as a JPEG whose short side is ``short_side``; one that is no larger keeps its bytes."""
    from PIL import Image

    encoded = image.read_bytes() if isinstance(image, Path) else image
    if not short_side:
        return encoded
    with Image.open(io.BytesIO(encoded)) as opened:
        short = min(opened.size)
        if short <= short_side:
            return encoded
        size = [int(side * short_side / short) for side in opened.size]
        resized = opened.convert("RGB").resize((size[0], size[1]), Image.Resampling.BICUBIC)
    written = io.BytesIO()
    resized.save(written, "JPEG", quality=QUALITY)
    return written.getvalue()


def _announce(
    item: Description, source: Source, wish: Wish, share: float, done: int, pool: ThreadPoolExecutor, say: Say
) -> None:
    """State size and time by some images of the first part.  Raises HarnessError where the disk is too small."""
    started = time.perf_counter()
    sizes = list(pool.map(lambda image: len(shrink(image, wish.short_side)), source.probe))
    seconds = time.perf_counter() - started
    samples = source.samples * share
    size, seconds = samples * sum(sizes) / len(sizes), samples * seconds / len(sizes)
    free = shutil.disk_usage(wish.into).free
    say(
        f"{item.name}: {f'{done} shards are there; ' if done else ''}about {samples:,.0f} images to write, "
        f"{size / 1e9:,.1f} GB into {wish.into} ({free / 1e9:,.1f} GB are free), about "
        f"{f'{seconds / 3600:,.1f} hours' if seconds > 5400 else f'{seconds / 60:.1f} minutes'} with "
        f"{wish.threads} threads, as {len(sizes)} of them tell"
    )
    check_room(size, free, wish.into)


def check_room(size: float, free: float, into: Path) -> None:
    """Raises HarnessError where ``size`` bytes and some to spare are more than ``free``."""
    if size + SPARE_BYTES > free:
        raise HarnessError(
            f"{into}: {size / 1e9:,.1f} GB are needed, {SPARE_BYTES / 1e9:.0f} GB to spare, "
            f"and {free / 1e9:,.1f} GB are free",
            hint="name a larger disk with --into DIR, or a smaller --short-side",
            code=3,
        )


def _how(source: Source, wish: Wish) -> dict[str, Any]:
    from PIL import features

    made = {"from": source.layout, "short_side": wish.short_side}
    if not wish.short_side:
        return made
    library = {name: features.version(name) for name in ("pil", "libjpeg_turbo", "jpg")}
    return {**made, "quality": QUALITY, "by": {name: found for name, found in library.items() if found}}


def _resized(wish: Wish) -> str:
    return f"larger images resized to a short side of {wish.short_side}" if wish.short_side else "files as they are"


def _open(work: Path, plan: Mapping[str, Any]) -> None:
    work.mkdir(exist_ok=True)
    written = work / "plan.json"
    if not written.is_file():
        _write(written, dumps(plan).encode())
    elif json.loads(written.read_text()) != plan:
        raise HarnessError(
            f"{work}: was begun with {written.read_text().strip()}, and now it would be {dumps(plan)}",
            hint=f"go on with the same images and options, or remove {work}",
            code=3,
        )


def _write_part(part: Part, work: Path, wish: Wish, pool: ThreadPoolExecutor) -> None:
    """The shard first, then what is in it: a shard without that is not there yet."""
    digest, lengths, labels = hashlib.sha256(), [], []
    rows = list(part.images())
    partial = work / f"{part.name}.partial"
    with partial.open("wb") as file:
        for encoded, (_, label) in zip(pool.map(lambda row: shrink(row[0], wish.short_side), rows), rows, strict=True):
            file.write(encoded)
            digest.update(encoded)
            lengths.append(len(encoded))
            labels.append(label)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(work / f"{part.name}.images")
    said = {"sha256": digest.hexdigest(), "bytes": sum(lengths), "lengths": lengths, "labels": labels}
    _write(work / f"{part.name}.json", dumps(said).encode())


def _manifest(item: Description, source: Source, wish: Wish, work: Path) -> dict[str, Any]:
    """With every shard read back: raises HarnessError where a byte is not what was written."""
    first = min(_labels_of(part, work).min() for parts in source.parts.values() for part in parts)
    if first not in (0, 1):
        raise HarnessError(f"the lowest label is {first}", hint="labels begin with 0, or with 1 as TFRecords have them")
    splits = {split: _split(split, parts, int(first), source.classes, work) for split, parts in source.parts.items()}
    classes = len(source.classes) or max(int(name) for entry in splits.values() for name in entry["counts"]) + 1
    sizes = {split: entry["samples"] for split, entry in splits.items()}
    manifest: dict[str, Any] = {
        "name": item.name,
        "title": f"{item.title}, {_resized(wish)}",
        "layout": "image-shards",
        "classes": classes,
        "sample_shape": [3, 224, 224],
        "source": item.source,
        "url": item.url,
        "licence": item.licence,
        "published": COMPLETE,
        "complete": sizes == COMPLETE and classes == item.classes,
        "made": _how(source, wish),
        "splits": splits,
    }
    manifest["digest"] = digest_of(manifest)
    check_shards(work, manifest, whole=True)
    return manifest


def _split(split: str, parts: Sequence[Part], first: int, classes: Sequence[str], work: Path) -> dict[str, Any]:
    digests, rows, total = hashlib.sha256(), [], 0
    for number, part in enumerate(parts):
        said = _sidecar(work / f"{part.name}.json")
        lengths = numpy.array(said["lengths"], dtype=numpy.int64)
        starts = numpy.concatenate([[0], numpy.cumsum(lengths)[:-1]])
        rows.append(numpy.stack([numpy.full(len(lengths), number), starts, lengths], axis=1))
        digests.update(bytes.fromhex(said["sha256"]))
        total += said["bytes"]
    labels = numpy.concatenate([_labels_of(part, work) for part in parts]) - first
    found = Counter(labels.tolist())
    return {
        "samples": len(labels),
        "counts": {(classes[label] if classes else str(label)): found[label] for label in sorted(found)},
        "shards": len(parts),
        "bytes": total,
        "sha256": digests.hexdigest(),
        "arrays": {
            "index": _array(work / f"{split}_index.npy", numpy.concatenate(rows)),
            "labels": _array(work / f"{split}_labels.npy", labels),
        },
    }


def _labels_of(part: Part, work: Path) -> numpy.ndarray:
    return numpy.array(_sidecar(work / f"{part.name}.json")["labels"], dtype=numpy.int64)


def _array(path: Path, array: numpy.ndarray) -> dict[str, Any]:
    written = io.BytesIO()
    numpy.save(written, array, allow_pickle=False)
    _write(path, written.getvalue())
    return {"file": path.name, "sha256": _sha256(path), "shape": list(array.shape), "dtype": array.dtype.str}


def _sidecar(path: Path) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise HarnessError(f"{path}: {error}", hint=f"remove {path.parent}", code=3) from error
    return said


def _write(path: Path, content: bytes) -> None:
    """The file with its final name is whole."""
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)


def _sha256(path: Path) -> str:
    if not path.is_file():
        return "no such file"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
