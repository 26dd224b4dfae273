"""TFRecord files: checksums against RFC 3720, a record that TensorFlow 2.21 wrote, and files of our own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy
import pytest

from harness.core.errors import HarnessError
from harness.datasets.tfrecord import crc32c, read_example, read_records
from harness.wire.tfrecord import framed

Spoil = Callable[[bytes], bytes]
# Written by tf.io.TFRecordWriter: image/encoded, image/class/label 300, two floats, and the numbers -1 and 7.
WRITTEN = bytes.fromhex(
    "8a00000000000000adbb77570a87010a1b0a11696d6167652f636c6173732f6c6162656c12061a040a02ac020a260a0d696d6167652f65"
    "6e636f64656412150a130a116e6f74207265616c6c792061204a5045470a260a16696d6167652f6f626a6563742f62626f782f786d696e"
    "120c120a0a080000003f0000803e0a180a056d696e7573120f1a0d0a0bffffffffffffffffff010765df7eaf"
)


@pytest.mark.parametrize(
    ("content", "crc"),
    [
        (b"123456789", 0xE3069283),  # the usual check value
        (bytes(32), 0x8A9136AA),  # RFC 3720, appendix B.4
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_checksums_are_those_of_the_standard(content: bytes, crc: int) -> None:
    assert crc32c(content) == crc


@pytest.mark.parametrize("length", [63, 64, 65, 127, 128, 129, 255, 4096, 5000, 33_333])
def test_streams_side_by_side_give_what_one_after_the_other_gives(length: int) -> None:
    content = numpy.random.RandomState(length).bytes(length)
    state = 0xFFFFFFFF
    for byte in content:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
    assert crc32c(content) == state ^ 0xFFFFFFFF


def test_what_tensorflow_wrote_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(WRITTEN)
    (written,) = read_records(tmp_path / "a")
    assert read_example(written) == {
        "image/encoded": [b"not really a JPEG"],
        "image/class/label": [300],
        "image/object/bbox/xmin": [],  # floats are not asked for
        "minus": [-1, 7],
    }


def test_our_own_writer_writes_the_same_frame(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(WRITTEN)
    (written,) = read_records(tmp_path / "a")
    assert framed(written) == WRITTEN


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda whole: whole[:-1], f"byte {len(WRITTEN)}: the file ends within a record"),
        (lambda whole: whole[: len(WRITTEN) + 7], f"byte {len(WRITTEN)}: the file ends within a record"),
        (lambda whole: whole[:40] + b"?" + whole[41:], "byte 0: a record is damaged"),
        (lambda whole: b"\x8b" + whole[1:], "byte 0: the length of a record is damaged"),
    ],
)
def test_a_spoilt_record_is_told_by_its_place(tmp_path: Path, spoil: Spoil, told: str) -> None:
    (tmp_path / "a").write_bytes(spoil(WRITTEN * 2))
    with pytest.raises(HarnessError, match=told):
        list(read_records(tmp_path / "a"))


@pytest.mark.parametrize("message", [b"\x0a", b"\x0a\xff", b"\x0a\x05abc", b"\x0f", b"\xff" * 11])
def test_a_message_that_is_none_is_refused(message: bytes) -> None:
    with pytest.raises(ValueError, match=r"cut short|wire type|ten bytes"):
        read_example(message)
