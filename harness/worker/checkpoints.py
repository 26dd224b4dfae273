"""The state of a training in one file: arrays as .npy beside ``meta.json`` in a zip, so numpy.load reads it too.

Nothing in it can be executed: no pickle is written, and none is read.  A state is a tree of dicts, lists, tuples,
plain values and numpy arrays (``frameworks.plain.take`` makes one of living objects).
"""

from __future__ import annotations

import json
import math
import os
import re
import struct
import zipfile
import zlib
from typing import Any, Dict, List, Tuple

import numpy

from harness.wire.events import dumps

FOLDER = "checkpoints"  # of a run folder
KEPT = 2  # so that one is whole even if the disk lost the newest
META = "meta.json"
FORMAT = 1


# What reading any bytes at all as a zip of arrays may raise.
FAULTS = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, LookupError, TypeError, RuntimeError,
    OverflowError, MemoryError, SyntaxError,
)  # fmt: skip


class Damaged(ValueError):
    """The file is no whole checkpoint."""


def name_of(epoch: int, step: int) -> str:
    """``step`` steps of ``epoch`` are done; names sort as positions do."""
    return "epoch-%06d-step-%09d.npz" % (epoch, step)


def save(folder: str, name: str, about: Dict[str, Any], state: Any) -> int:
    """Write it under a temporary name, force it to the disk, rename it, drop older ones; its size in bytes.

    Raises OSError where the disk is full, TypeError for what has no place in a state.
    """
    os.makedirs(folder, exist_ok=True)
    arrays: List[numpy.ndarray] = []
    meta = {"format": FORMAT, "about": about, "state": encode(state, arrays), "arrays": len(arrays)}
    temporary = os.path.join(folder, ".%s.%d.tmp" % (name, os.getpid()))
    try:
        with open(temporary, "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
                archive.writestr(META, dumps(meta))
                for number, array in enumerate(arrays):
                    with archive.open("%d.npy" % number, "w", force_zip64=True) as member:
                        numpy.lib.format.write_array(member, array, allow_pickle=False)  # type: ignore[no-untyped-call,unused-ignore]
            size = file.tell()
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, os.path.join(folder, name))
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)
    _force_folder(folder)
    for old in sorted(each for each in os.listdir(folder) if re.match(r"epoch-.*\.npz$", each))[:-KEPT]:
        os.unlink(os.path.join(folder, old))
    return size


def load(path: str) -> Tuple[Dict[str, Any], Any]:
    """(about, state).  Raises Damaged for anything but a whole checkpoint of this format."""
    try:
        with zipfile.ZipFile(path) as archive:  # which compares every member with its checksum
            meta = json.loads(archive.read(META).decode("utf-8"))
            if meta["format"] != FORMAT:
                raise Damaged("format %r is not %d, the one that is known here" % (meta["format"], FORMAT))
            arrays = []
            for number in range(int(meta["arrays"])):
                with archive.open("%d.npy" % number) as member:
                    arrays.append(numpy.lib.format.read_array(member, allow_pickle=False))  # type: ignore[no-untyped-call,unused-ignore]
                    if member.read(1):  # to the end, where the checksum is compared
                        raise Damaged("member %d is longer than its array" % number)
            return meta["about"], decode(meta["state"], arrays)
    except Damaged:
        raise
    except FAULTS as error:
        raise Damaged("%s: %s" % (type(error).__name__, error)) from None


def encode(value: Any, arrays: List[numpy.ndarray]) -> Any:
    """As JSON; arrays are put aside and counted."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(float(value))}
    if isinstance(value, dict):
        return {"dict": [[encode(key, arrays), encode(each, arrays)] for key, each in value.items()]}
    if isinstance(value, list):
        return [encode(each, arrays) for each in value]
    if isinstance(value, tuple):
        return {"tuple": [encode(each, arrays) for each in value]}
    if isinstance(value, (numpy.ndarray, numpy.generic)):
        array = numpy.asarray(value)
        if array.dtype.kind in "OV":
            raise TypeError("an array of %s cannot be kept" % array.dtype)
        arrays.append(array)
        return {"array" if isinstance(value, numpy.ndarray) else "scalar": len(arrays) - 1}
    raise TypeError("a %s cannot be kept" % type(value).__name__)


def decode(value: Any, arrays: List[numpy.ndarray]) -> Any:
    if isinstance(value, list):
        return [decode(each, arrays) for each in value]
    if not isinstance(value, dict):
        return value
    ((kind, inner),) = value.items()
    if kind == "dict":
        return {decode(key, arrays): decode(each, arrays) for key, each in inner}
    if kind == "tuple":
        return tuple(decode(each, arrays) for each in inner)
    if kind == "float":
        return float(inner)
    return arrays[inner] if kind == "array" else arrays[inner][()]


def _force_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
