"""TFRecord files and the tf.train.Example messages in them, read without TensorFlow.

A record is its length (uint64, little-endian), a checksum of that, the bytes, and a checksum of those; a
checksum is a masked CRC-32C (tensorflow/core/lib/io/record_writer.h and hash/crc32c.h say how).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy
from numpy.typing import NDArray

from harness.core.errors import HarnessError

POLYNOMIAL = 0x82F63B78  # Castagnoli's, bits reversed (RFC 3720, appendix B.4)
STREAM = 128  # bytes: of a long text, so many are worked through at a time, in as many streams as there are
SHORT = 64  # bytes: below, a plain loop is quicker
MASK_DELTA = 0xA282EAD8

Words = NDArray[numpy.uint32]
Feature = Sequence[bytes] | Sequence[int]


def read_records(path: Path) -> Iterator[bytes]:
    """The records of a file, each held against its checksum.  Raises HarnessError for one that is cut or spoilt."""
    with path.open("rb") as file:
        number = 0
        while head := file.read(12):
            length = struct.unpack("<Q", head[:8])[0] if len(head) == 12 else 0
            if len(head) < 12 or masked(head[:8]) != head[8:]:
                raise _spoilt(path, number, "its length")
            body = file.read(length + 4)
            if len(body) < length + 4 or masked(body[:length]) != body[length:]:
                raise _spoilt(path, number, "its bytes")
            yield body[:length]
            number += 1


def read_example(record: bytes) -> Mapping[str, Feature]:
    """Features of a tf.train.Example by name, those that are bytes or whole numbers; others come empty.

    Raises ValueError where it is no such message.
    """
    found: dict[str, Feature] = {}
    for _, features in _fields(record, 1):
        for _, entry in _fields(features, 1):
            name = b"".join(value for _, value in _fields(entry, 1)).decode()
            for _, feature in _fields(entry, 2):
                found[name] = _feature(feature)
    return found


def masked(content: bytes) -> bytes:
    """The four bytes that stand behind ``content`` in a TFRecord."""
    crc = crc32c(content)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + MASK_DELTA) & 0xFFFFFFFF)


def crc32c(content: bytes) -> int:
    """CRC-32C.  Long texts are cut into streams that numpy works through side by side, then joined.

    The checksum is linear over bits: zeros in front change nothing once the start value is put into the first
    four bytes, and the state of a joined text is that of its first part, moved on by the length of the second,
    plus that of the second.
    """
    table = _table()
    if len(content) < SHORT:
        state = 0xFFFFFFFF
        for byte in content:
            state = int(table[(state ^ byte) & 0xFF]) ^ state >> 8
        return state ^ 0xFFFFFFFF
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
        states = numpy.where(states & 1, states >> 1 ^ numpy.uint32(POLYNOMIAL), states >> 1)
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
    """BytesList is field 1, FloatList 2, Int64List 3; each holds its values in field 1."""
    texts = [value for _, inner in _fields(feature, 1) for _, value in _fields(inner, 1)]
    if texts:
        return texts
    packed = b"".join(value for _, inner in _fields(feature, 3) for _, value in _fields(inner, 1))
    numbers, at = [], 0
    while at < len(packed):
        value, at = _varint(packed, at)
        numbers.append(value - (1 << 64) if value >> 63 else value)
    return numbers


def _fields(message: bytes, wanted: int) -> Iterator[tuple[int, bytes]]:
    """(wire type, content) of every field of that number; numbers come as their encoded bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        start = at
        match key & 7:
            case 0:
                _, at = _varint(message, at)
            case 1:
                at += 8
            case 2:
                length, start = _varint(message, at)
                at = start + length
            case 5:
                at += 4
            case other:
                raise ValueError(f"wire type {other} at byte {start}")
        if at > len(message):
            raise ValueError(f"a field that begins at byte {start} is cut")
        if key >> 3 == wanted:
            yield key & 7, message[start:at]


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(message) or shift > 63:
            raise ValueError(f"a number that ends at byte {at} is cut")
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _spoilt(path: Path, number: int, what: str) -> HarnessError:
    return HarnessError(
        f"{path}: record {number} is cut or changed: {what} and the checksum do not agree",
        hint="copy the file anew",
        code=3,
    )
