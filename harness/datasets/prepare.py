"""From source files to memory-mapped arrays and a manifest, and back again to a check.

A prepared set lies in ``cache/<name>-<digest>``; it appears whole, by a rename.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy
from numpy.typing import NDArray

from harness.core.errors import HarnessError
from harness.datasets.catalogue import Description, SourceFile, describe
from harness.datasets.images import image_folder, made_folder
from harness.datasets.manifest import Prepared, digest_of
from harness.datasets.photographs import SIDE, write_photographs
from harness.datasets.planetoid import read_planetoid
from harness.datasets.read import read_arrays
from harness.datasets.shards import check_shards, find_shards, read_shards
from harness.datasets.sources import find_sources
from harness.wire.events import dumps

Say = Callable[[str], None]
Install = Callable[[str], Path]


def prepare(name: str, *, cache: Path, data_roots: Sequence[Path], install: Install, say: Say) -> Prepared:
    """The data set, prepared now if it was not before; every array's bytes are checked each time.

    ``install`` puts a pinned wheel into a folder and returns it.  Raises HarnessError when the data
    cannot be had (code 3) or its bytes are not what they must be.
    """
    from filelock import FileLock

    item = describe(name)
    if item.kind == "image-folder":
        return _images(item, cache, data_roots, whole=False)
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / f"{name}.lock"):
        path = _folder(item, cache)
        if path.is_dir():
            return _check(Prepared(name=name, path=path, manifest=json.loads((path / "manifest.json").read_text())))
        say(f"preparing data set {name}")
        return _make(item, find_sources(item, data_roots, install, cache), cache)


def verify(name: str, *, cache: Path, data_roots: Sequence[Path], install: Install, say: Say) -> Prepared:
    """Make the set anew from its sources and compare it with what is prepared."""
    item = describe(name)
    if item.kind == "image-folder":
        return _images(item, cache, data_roots, whole=True)
    prepared = prepare(name, cache=cache, data_roots=data_roots, install=install, say=say)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        again = _make(item, find_sources(item, data_roots, install, cache), Path(folder))
        if again.manifest != prepared.manifest:
            raise HarnessError(
                f"{prepared.path / 'manifest.json'}: says {prepared.manifest.get('digest')}, its sources give "
                f"{again.manifest['digest']}",
                hint=f"remove {prepared.path} and run: harness data fetch {name}",
                code=3,
            )
    return prepared


def _images(item: Description, cache: Path, data_roots: Sequence[Path], *, whole: bool) -> Prepared:
    """The shards where they were made, else the folder as it lies; ``whole``: every byte of the shards is read."""
    shards = find_shards(item, [cache, *data_roots])
    if shards is None:
        path, manifest = image_folder(item, data_roots)
        return Prepared(name=item.name, path=path, manifest={**manifest, "digest": digest_of(manifest)})
    prepared = read_shards(shards)
    check_shards(shards, prepared.manifest, whole=whole)
    return prepared


def _folder(item: Description, cache: Path) -> Path:
    """Where the set lies once prepared; another folder when its pinned sources change."""
    pinned = hashlib.sha256("".join(file.sha256 for file in item.files).encode()).hexdigest()
    return cache / f"{item.name}-{pinned[:12]}"


def _make(item: Description, sources: Mapping[str, bytes], cache: Path) -> Prepared:
    building = Path(tempfile.mkdtemp(dir=cache, prefix=f".{item.name}-"))
    try:
        fill = _fill_folder if item.kind == "photographs" else _fill_arrays
        manifest: dict[str, Any] = {
            "name": item.name,
            "title": item.title,
            "classes": item.classes,
            "source": item.source,
            "url": item.url,
            "licence": item.licence,
            "origin": [_origin(file, sources[file.name]) for file in item.files],
            **fill(item, sources, building),
        }
        manifest["digest"] = digest_of(manifest)
        (building / "manifest.json").write_text(dumps(manifest, indent=1) + "\n", encoding="utf-8")
        path = _folder(item, cache)
        building.rename(path)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return Prepared(name=item.name, path=path, manifest=manifest)


def _origin(file: SourceFile, content: bytes) -> dict[str, Any]:
    own = {"licence": file.licence, "url": file.url} if file.licence else {}
    return {"file": file.name, "sha256": file.sha256, "bytes": len(content), **own}


def _fill_folder(_item: Description, sources: Mapping[str, bytes], building: Path) -> dict[str, Any]:
    write_photographs(sources, building)
    return {"layout": "image-folder", "sample_shape": [3, SIDE, SIDE], "splits": made_folder(building)}


def _fill_arrays(item: Description, sources: Mapping[str, bytes], building: Path) -> dict[str, Any]:
    if item.kind == "planetoid":
        splits, graph = read_planetoid(sources)
    else:
        splits, graph = read_arrays(item, sources), None
    filled: dict[str, Any] = {
        "layout": "arrays",
        "sample_shape": list(splits["train"][0].shape[1:]),
        "splits": {
            split: {
                "samples": len(y),
                "counts": counts(y),
                "arrays": {
                    "x": _write(building, f"{split}_x.npy", x),
                    "y": _write(building, f"{split}_y.npy", y),
                },
            }
            for split, (x, y) in splits.items()
        },
    }
    if graph:
        filled["graph"] = {
            "nodes": graph.nodes,
            "features": graph.features,
            "arrays": {name: _write(building, f"{name}.npy", array) for name, array in graph.arrays.items()},
        }
    return filled


def counts(y: NDArray[Any]) -> dict[str, int]:
    """Samples per class, by the class's index; none where y is a number to be predicted."""
    if y.dtype.kind == "f":
        return {}
    return {str(label): int(count) for label, count in zip(*numpy.unique(y, return_counts=True), strict=True)}


def _write(folder: Path, name: str, array: NDArray[Any]) -> dict[str, Any]:
    path = folder / name
    with path.open("wb") as file:
        numpy.save(file, array, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
    return {"file": name, "sha256": _sha256(path), "shape": list(array.shape), "dtype": array.dtype.str}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check(prepared: Prepared) -> Prepared:
    """Raises HarnessError for a manifest or an array whose bytes changed, with digests and counts."""
    manifest = prepared.manifest
    hint = f"remove {prepared.path} and run: harness data fetch {prepared.name}"
    if digest_of(manifest) != manifest.get("digest"):
        raise HarnessError(f"{prepared.path / 'manifest.json'}: was changed", hint=hint, code=3)
    if manifest["layout"] == "image-folder":
        _check_folder(prepared, hint)
        return prepared
    graph = [manifest["graph"]] if "graph" in manifest else []
    for entry in (*manifest["splits"].values(), *graph):
        for axis, array in entry["arrays"].items():
            path = prepared.path / array["file"]
            found = _sha256(path) if path.is_file() else "no such file"
            if found != array["sha256"]:
                told = [f"{path}: expected sha256 {array['sha256']}, found {found}"]
                if axis == "y" and entry["counts"]:
                    told.append(f"expected samples per class {entry['counts']}, found {_counts_in(path)}")
                raise HarnessError(*told, hint=hint, code=3)
    return prepared


def _check_folder(prepared: Prepared, hint: str) -> None:
    try:
        found = made_folder(prepared.path)
    except OSError as error:
        raise HarnessError(f"{prepared.path}: {error}", hint=hint, code=3) from error
    for split, entry in prepared.manifest["splits"].items():
        if found[split] != entry:
            raise HarnessError(
                f"{prepared.path / split}: expected {entry['samples']} images with sha256 {entry['sha256']}, "
                f"found {found[split]['samples']} with {found[split]['sha256']}",
                hint=hint,
                code=3,
            )


def _counts_in(path: Path) -> str:
    try:
        return str(counts(numpy.load(path, allow_pickle=False)))
    except (OSError, ValueError):
        return "none that can be read"
