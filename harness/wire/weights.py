"""Named arrays as bytes: their digest, and the safetensors format.  Standard library only, so both sides agree.

The format (huggingface/safetensors, README, "Format"): eight bytes, the header's length as a little-endian
integer; the header, a JSON object ``{name: {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}}`` with
an optional ``"__metadata__"`` of strings; then the arrays' bytes, C order, little-endian, without gaps.  Nothing in
it can be executed.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Tuple

FILE = "weights.safetensors"  # of a run folder
DTYPES = {
    "|b1": "BOOL", "|i1": "I8", "|u1": "U8", "<i2": "I16", "<u2": "U16", "<i4": "I32", "<u4": "U32",
    "<i8": "I64", "<u8": "U64", "<f2": "F16", "<f4": "F32", "<f8": "F64",
}  # fmt: skip
SIZES = {"BOOL": 1, "I8": 1, "U8": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2, "I32": 4, "U32": 4, "F32": 4,
         "I64": 8, "U64": 8, "F64": 8}  # fmt: skip
MAX_HEADER = 100_000_000  # bytes, as the reference implementation allows
METADATA = "__metadata__"


class Raw(NamedTuple):
    """An array as it lies in memory or in a file."""

    dtype: str  # as numpy writes it: "<f4"; in a file, what numpy lacks keeps the format's own name: "BF16"
    shape: Tuple[int, ...]
    data: memoryview  # bytes, C order


def digest(arrays: Iterable[Raw]) -> str:
    """sha256 over dtype, shape and bytes of the arrays, in order."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(("%s%s" % (array.dtype, array.shape)).encode())
        found.update(array.data)
    return found.hexdigest()


def write(path: str, arrays: Mapping[str, Raw], metadata: Mapping[str, str]) -> None:
    """Sorted by name; under a temporary name, forced to the disk, then renamed."""
    header: Dict[str, Any] = {METADATA: dict(metadata)}
    end = 0
    for name in sorted(arrays):
        begin, end = end, end + arrays[name].data.nbytes
        header[name] = {
            "dtype": DTYPES[arrays[name].dtype],
            "shape": list(arrays[name].shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(header, sort_keys=True).encode()
    text += b" " * (-len(text) % 8)  # so that the arrays are aligned
    temporary = os.path.join(os.path.dirname(path), ".%s.%d.tmp" % (os.path.basename(path), os.getpid()))
    try:
        with open(temporary, "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for name in sorted(arrays):
                file.write(arrays[name].data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def read(path: str) -> Dict[str, Raw]:
    """Every array by name, sorted.  Raises ValueError for anything but a whole file of this format."""
    with open(path, "rb") as file:
        content = file.read()
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > min(MAX_HEADER, len(content) - 8):
        raise ValueError("its first eight bytes are no length of a header")
    try:
        header = json.loads(content[8 : 8 + length].decode("utf-8"))
    except RecursionError:
        raise ValueError("its header is nested too deeply") from None
    if not isinstance(header, dict):
        raise ValueError("its header is no object")
    data = memoryview(content)[8 + length :]
    names = sorted(set(header) - {METADATA})
    found, places = {}, []
    for name in names:
        found[name], place = _entry(name, header[name], data)
        places.append(place)
    _check_places(sorted(places), len(data))
    return found


def _entry(name: str, entry: Any, data: memoryview) -> Tuple[Raw, Tuple[int, int]]:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError("%r has not exactly dtype, shape and data_offsets" % name)
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in SIZES:
        raise ValueError("%r is of an unknown dtype: %r" % (name, dtype))
    if not _counts(shape) or not _counts(offsets) or len(offsets) != 2:
        raise ValueError("shape and data_offsets of %r are not lists of counts" % name)
    begin, end = offsets
    if not begin <= end <= len(data) or end - begin != math.prod(shape) * SIZES[dtype]:
        raise ValueError("data_offsets of %r do not fit its shape or the file" % name)
    known = {ours: numpys for numpys, ours in DTYPES.items()}
    return Raw(known.get(dtype, dtype), tuple(shape), data[begin:end]), (begin, end)


def _counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(each) is int and each >= 0 for each in value)


def _check_places(places: List[Tuple[int, int]], length: int) -> None:
    """No gap, no overlap, nothing after the last array."""
    reached = 0
    for begin, end in places:
        if begin != reached:
            raise ValueError("its arrays overlap or leave a gap at byte %d" % reached)
        reached = end
    if reached != length:
        raise ValueError("it has %d bytes that belong to no array" % (length - reached))
