"""The safetensors format, written and read strictly, and what a job says of itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy
import pytest

from harness.wire import weights
from harness.wire.job import WorkerJob, dump, parse
from harness.worker.data import digest_of, raw

ARRAYS: dict[str, numpy.ndarray] = {
    "b": numpy.arange(6, dtype=numpy.float32).reshape(2, 3),
    "a": numpy.zeros((), numpy.int64),
    "c": numpy.array([], numpy.float64),
    "d": numpy.array([True, False]),
    "e": numpy.arange(8, dtype=numpy.float16).reshape(2, 4).T,  # not in C order
}


def written(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    weights.write(str(path), {name: raw(array) for name, array in ARRAYS.items()}, {"model": "x"})
    return path


def test_arrays_come_back_and_digest_alike(tmp_path: Path) -> None:
    found = weights.read(str(written(tmp_path)))
    assert list(found) == sorted(ARRAYS)
    for name, each in found.items():
        array = numpy.frombuffer(each.data, each.dtype).reshape(each.shape)
        assert array.dtype == ARRAYS[name].dtype
        assert (array == ARRAYS[name]).all()
    assert weights.digest(found.values()) == digest_of(*(ARRAYS[name] for name in sorted(ARRAYS)))
    assert [path.name for path in tmp_path.iterdir()] == ["weights.safetensors"]


def spoilt(entry: dict[str, Any], data: bytes = b"\0" * 8) -> bytes:
    header = json.dumps(entry).encode()
    return len(header).to_bytes(8, "little") + header + data


GOOD = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no length"),
        (b"\xff" * 16, "no length"),
        (spoilt({"a": GOOD})[:-1], "do not fit"),
        (spoilt({"a": GOOD}, b"\0" * 9), "belong to no array"),
        (spoilt({"a": {**GOOD, "dtype": "O"}}), "unknown dtype"),
        (spoilt({"a": {**GOOD, "dtype": []}}), "unknown dtype"),
        (spoilt({"a": {**GOOD, "shape": [-2]}}), "not lists of counts"),
        (spoilt({"a": {**GOOD, "shape": [True, 2]}}), "not lists of counts"),
        (spoilt({"a": {**GOOD, "data_offsets": [0, 8, 8]}}), "not lists of counts"),
        (spoilt({"a": {**GOOD, "data_offsets": [8, 0]}}), "do not fit"),
        (spoilt({"a": GOOD, "b": GOOD}), "overlap"),
        (spoilt({"a": {**GOOD, "code": "import os"}}), "exactly dtype"),
        (spoilt({"a": "F32"}), "exactly dtype"),
        (spoilt([1]), "no object"),  # type: ignore[arg-type]
        ((16).to_bytes(8, "little") + b"[" * 16, "Expecting"),
    ],
)
def test_anything_else_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "w"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=told):
        weights.read(str(path))


def test_a_job_tells_an_earlier_worker_nothing_that_it_does_not_know() -> None:
    old = ("protocol", "id", "model", "recipe", "framework", "environment", "seed", "mode", "device", "threads",
           "deterministic", "hyperparameters", "metrics", "flops_per_sample", "data")  # fmt: skip
    job = WorkerJob(**dict.fromkeys(old))  # type: ignore[arg-type]
    assert set(dump(job)) == set(old)
    kept = job._replace(keep_weights=True)
    assert set(dump(kept)) == {*old, "keep_weights"}
    assert parse(json.dumps(dump(kept))) == kept
