"""The prepared arrays of a data set, memory-mapped, and the order in which batches come.

A manifest is made by ``harness/datasets`` and travels in job.json::

    {"name": "digits", "layout": "arrays", "classes": 10, "sample_shape": [1, 8, 8],
     "digest": sha256 of the manifest, "splits": {"train": {"samples": 1437, "counts": {...},
        "arrays": {"x": {"file": "train_x.npy", "sha256": ..., "shape": [...], "dtype": ...},
                   "y": {...}}}, "test": {...}}}

For a data set that is a graph, x holds node numbers and ``"sample_shape"`` is ``[]``; beside the splits
stands ``"graph": {"nodes": 2708, "features": 1433, "arrays": {"edges": {...}, "entries": {...}}}``.

Or, for images left as they are, ``"layout": "image-folder"`` with
``"splits": {"train": {"samples": 20, "folder": "train", "listing": sha256}}``.  Or images made into a few
files, ``"layout": "image-shards"`` with ``"splits": {"train": {"samples": 20, "shards": 3, "bytes": 71000,
"sha256": ..., "arrays": {"index": {...}, "labels": {...}}}}``.
"""

from __future__ import annotations

import hashlib
import io
import os
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import numpy

from harness.wire.listing import list_images, shard_names

Batch = Tuple[numpy.ndarray, numpy.ndarray]


class ImageFolder(NamedTuple):
    """Paths of images, sorted, with the index of their class (sorted folder names)."""

    paths: List[str]
    labels: numpy.ndarray  # int64 [samples]

    def source(self, row: int) -> str:
        """What Pillow opens: here a path."""
        return self.paths[row]


class ImageShards(NamedTuple):
    """Encoded images one behind the other in a few files, memory-mapped."""

    names: List[str]
    files: List[numpy.ndarray]  # uint8 [bytes]
    places: numpy.ndarray  # int64 [samples, 3]: file, first byte, bytes
    labels: numpy.ndarray  # int64 [samples]

    def source(self, row: int) -> io.BytesIO:
        """What Pillow opens: here the bytes."""
        file, start, length = self.places[row].tolist()
        return _Piece(self.files[file][start : start + length].tobytes(), "%s, row %d" % (self.names[file], row))


class _Piece(io.BytesIO):
    """Bytes that say where they are from when they are no image."""

    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self.place = name

    def __repr__(self) -> str:
        return self.place


Pictures = Union[ImageFolder, ImageShards]


class Graph(NamedTuple):
    """Nodes, their edges, and features that are there (one) or not (zero).  Rows are sorted, none comes twice."""

    nodes: int
    features: int
    edges: numpy.ndarray  # int64 [edges, 2]: (node, neighbour), each way; a node may be its own neighbour
    entries: numpy.ndarray  # int64 [entries, 2]: (node, feature) of the features that are there


class Data(NamedTuple):
    name: str
    digest: str
    classes: int
    sample_shape: Tuple[int, ...]
    arrays: Dict[str, Batch]  # split -> x [samples, *sample_shape], y [samples]
    folders: Dict[str, Pictures]
    graph: Optional[Graph] = None


def open_data(where: Dict[str, Any]) -> Data:
    """Memory-map what the manifest names.  Raises ValueError where a shape differs."""
    manifest, path = where["manifest"], where["path"]
    arrays: Dict[str, Batch] = {}
    folders: Dict[str, Pictures] = {}
    for split, entry in manifest["splits"].items():
        if manifest["layout"] == "image-folder":
            folders[split] = _list_images(os.path.join(path, entry["folder"]), entry["listing"])
        elif manifest["layout"] == "image-shards":
            folders[split] = _map_shards(path, split, entry)
        else:
            arrays[split] = (_map(path, entry["arrays"]["x"]), _map(path, entry["arrays"]["y"]))
    return Data(
        manifest["name"],
        manifest["digest"],
        manifest["classes"],
        tuple(manifest["sample_shape"]),
        arrays,
        folders,
        _map_graph(path, manifest["graph"]) if "graph" in manifest else None,
    )


def order(seed: int, epoch: int, samples: int) -> numpy.ndarray:
    """The permutation of one epoch, int64 [samples]: the same in every framework and version.

    MT19937 with a key (seed, epoch): numpy promises the streams of RandomState for ever (NEP 19),
    which it does not for Generator.
    """
    return numpy.random.RandomState([seed % 2**32, epoch]).permutation(samples)


def digest_of(*arrays: numpy.ndarray) -> str:
    """sha256 over dtype, shape and bytes of the arrays, in order."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(("%s%s" % (array.dtype.str, array.shape)).encode())
        digest.update(numpy.ascontiguousarray(array).data)
    return digest.hexdigest()


def _map(path: str, entry: Dict[str, Any]) -> numpy.ndarray:
    mapped = numpy.load(os.path.join(path, entry["file"]), mmap_mode="r", allow_pickle=False)
    array: numpy.ndarray = mapped.view(numpy.ndarray)  # still mapped; of memmap itself, every batch would be one
    if list(array.shape) != entry["shape"] or array.dtype.str != numpy.dtype(entry["dtype"]).str:
        raise ValueError(
            "%s is %s %s, the manifest says %s %s"
            % (entry["file"], array.dtype, list(array.shape), entry["dtype"], entry["shape"])
        )
    return array


def _map_graph(path: str, entry: Dict[str, Any]) -> Graph:
    edges, entries = (_map(path, entry["arrays"][name]) for name in ("edges", "entries"))
    return Graph(entry["nodes"], entry["features"], edges, entries)


def _map_shards(path: str, split: str, entry: Dict[str, Any]) -> ImageShards:
    index, labels = (_map(path, entry["arrays"][name]) for name in ("index", "labels"))
    names = [name + ".images" for name in shard_names(split, entry["shards"])]
    files = [numpy.memmap(os.path.join(path, name), numpy.uint8, "r").view(numpy.ndarray) for name in names]
    if sum(len(file) for file in files) != entry["bytes"]:
        raise ValueError("the shards of %s under %s are not as long as the manifest says" % (split, path))
    return ImageShards(names, files, index, labels)


def _list_images(folder: str, expected: str) -> ImageFolder:
    found = list_images(folder)
    if found.digest != expected:
        raise ValueError("the images under %s changed since they were listed" % folder)
    return ImageFolder(found.paths, numpy.asarray(found.labels, dtype=numpy.int64))
