"""Weights in a file, and the digests by which records know them.  Nothing in the file is executed."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy

from harness.core.errors import HarnessError
from harness.wire import weights

LARGE = 2**34  # bytes: more than any file of weights that is read whole here


def read_weights(path: Path) -> dict[str, numpy.ndarray]:
    """The arrays of a .safetensors or .npz file.  Raises HarnessError for what is neither."""
    try:
        if path.stat().st_size > LARGE:
            raise ValueError(f"{path.stat().st_size:,} bytes are more than are read here")
        with path.open("rb") as file:
            zipped = file.read(2) == b"PK"
        return _npz(path) if zipped else _safetensors(path)
    except FileNotFoundError:
        raise HarnessError(f"{path}: no such file", hint="name a .safetensors or .npz file") from None
    except (OSError, ValueError, LookupError, EOFError, TypeError) as error:
        raise HarnessError(
            f"{path}: neither safetensors nor an .npz of plain arrays: {error}",
            hint="weights of other kinds (.pt, .h5, .keras) can hold code, and are not read",
        ) from error


def weights_digests(arrays: Mapping[str, numpy.ndarray]) -> Iterator[str]:
    """As they are, and as the worker digests a PyTorch model: every array as float32."""
    yield _digest(arrays.values())
    if any(array.dtype != numpy.float32 for array in arrays.values()):
        yield _digest(array.astype(numpy.float32) for array in arrays.values() if array.dtype.kind in "fiub")


def are_weights(path: Path, digest: str | None) -> bool:
    """Whether the arrays in ``path`` are those that a record knows by ``digest``."""
    return digest in list(weights_digests(read_weights(path)))


def _npz(path: Path) -> dict[str, numpy.ndarray]:
    try:
        with numpy.load(path, allow_pickle=False) as archive:
            return {name: numpy.asarray(archive[name]) for name in sorted(archive.files)}
    except zipfile.BadZipFile as error:
        raise ValueError(str(error)) from error


def _safetensors(path: Path) -> dict[str, numpy.ndarray]:
    found = {}
    for name, each in weights.read(str(path)).items():
        if each.dtype == "BF16":  # the upper half of a float32
            bits = numpy.frombuffer(each.data, "<u2").astype("<u4") << 16
            found[name] = bits.view("<f4").reshape(each.shape)
        else:
            found[name] = numpy.frombuffer(each.data, each.dtype).reshape(each.shape)
    return found


def _digest(arrays: Iterable[numpy.ndarray]) -> str:
    """As harness/worker/data.py digests them."""
    return weights.digest(
        weights.Raw(each.dtype.str, each.shape, numpy.ascontiguousarray(each).reshape(-1).view(numpy.uint8).data)
        for each in arrays
    )
