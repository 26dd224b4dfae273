"""TFRecord files of images and the tf.train.Example messages in them: a checksum that is quick enough for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy
from numpy.typing import NDArray

from harness.core.errors import HarnessError
from harness.wire import tfrecord

STREAM = 128  # bytes: of a long text, so many are worked through at a time, in as many streams as there are
SHORT = 64  # bytes: below, a plain loop is quicker

Words = NDArray[numpy.uint32]
Feature = Sequence[bytes] | Sequence[int]


def read_records(path: Path) -> Iterator[bytes]:
    """The records of a file, each held against its checksum.  Raises HarnessError for one that is cut or spoilt."""
    with path.open("rb") as file:
        try:
            yield from tfrecord.read_records(file, crc=crc32c)
        except ValueError as error:
            raise HarnessError(f"{path}: {error}", hint="copy the file anew", code=3) from None


def read_example(record: bytes) -> Mapping[str, Feature]:
    """Features of a tf.train.Example by name, those that are bytes or whole numbers; others come empty.

    Raises ValueError where it is no such message.
    """
    found: dict[str, Feature] = {}
    for features in _messages(record, 1):
        for entry in _messages(features, 1):
            name = b"".join(_messages(entry, 1)).decode()
            for feature in _messages(entry, 2):
                found[name] = _feature(feature)
    return found


def crc32c(content: bytes) -> int:
    """CRC-32C.  Long texts are cut into streams that numpy works through side by side, then joined.

    The checksum is linear over bits: zeros in front change nothing once the start value is put into the first
    four bytes, and the state of a joined text is that of its first part, moved on by the length of the second,
    plus that of the second.
    """
    if len(content) < SHORT:
        return tfrecord.crc32c(content)
    streams = 1 << (-(-len(content) // STREAM) - 1).bit_length()
    padded = numpy.zeros(streams * STREAM, numpy.uint8)
    padded[-len(content) :] = numpy.frombuffer(content, numpy.uint8)
    padded[-len(content) : len(padded) - len(content) + 4] ^= 0xFF
    states = numpy.zeros(streams, numpy.uint32)
    low, high = _words()
    for column in numpy.ascontiguousarray(padded.view("<u4").reshape(streams, STREAM // 4).T):
        states = states ^ column
        states = low.take(states & 0xFFFF) ^ high.take(states >> 16)
    length = STREAM
    while len(states) > 1:
        states = _moved(states[0::2], _move(length)) ^ states[1::2]
        length *= 2
    return int(states[0]) ^ 0xFFFFFFFF


@cache
def _table() -> Words:
    states: Words = numpy.arange(256, dtype=numpy.uint32)
    for _ in range(8):
        states = numpy.where(states & 1, states >> 1 ^ numpy.uint32(tfrecord.POLYNOMIAL), states >> 1)
    return states


@cache
def _move(length: int) -> Words:
    """What ``length`` zero bytes (a power of two) make of each byte of a state: uint32 [4, 256]."""
    if length == 1:
        single: Words = numpy.arange(256, dtype=numpy.uint32) << numpy.arange(0, 32, 8, dtype=numpy.uint32)[:, None]
        moved: Words = _table()[single & 0xFF] ^ single >> 8
        return moved
    half = _move(length // 2)
    return _moved(half, half)


@cache
def _words() -> tuple[Words, Words]:
    """What the lower and the upper half of a state become four bytes later: uint32 [65536] each."""
    halves: Words = numpy.arange(1 << 16, dtype=numpy.uint32)
    return _moved(halves, _move(4)), _moved(halves << numpy.uint32(16), _move(4))


def _moved(states: Words, move: Words) -> Words:
    moved: Words = move[0][states & 0xFF]
    for place in (1, 2, 3):
        moved = moved ^ move[place][states >> numpy.uint32(8 * place) & 0xFF]
    return moved


def _feature(feature: bytes) -> Feature:
    """BytesList is field 1, FloatList 2, Int64List 3; each holds its values in field 1, numbers packed or not."""
    texts = [value for inner in _messages(feature, 1) for value in _messages(inner, 1)]
    if texts:
        return texts
    numbers: list[int] = []
    for inner in _messages(feature, 3):
        for value in tfrecord.fields(inner).get(1, ()):
            numbers += [value] if isinstance(value, int) else _packed(value)
    return [tfrecord.signed(number) for number in numbers]


def _packed(content: bytes) -> Iterator[int]:
    place = 0
    while place < len(content):
        number, place = tfrecord.read_varint(content, place)
        yield number


def _messages(message: bytes, number: int) -> list[bytes]:
    found = tfrecord.fields(message).get(number, [])
    if not all(isinstance(value, bytes) for value in found):
        raise ValueError(f"field {number} holds a number where bytes belong")
    return [value for value in found if isinstance(value, bytes)]
