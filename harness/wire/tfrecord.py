"""TFRecord files and the protocol buffers in their records, without TensorFlow.  Standard library only, old Python.

A record is its length as uint64, a checksum of that, the bytes, and a checksum of those, all little-endian; a checksum
is CRC-32C (Castagnoli), rotated right by 15 bits plus 0xa282ead8 (tensorflow/core/lib/io/record_writer.h and
hash/crc32c.h).

Strict: a damaged record, or one that the end of the file cuts short, is an error and never a shorter file.
"""

from __future__ import annotations

import struct
from typing import IO, Callable, Dict, Iterator, List, Tuple, Union

MASK = 0xA282EAD8
POLYNOMIAL = 0x82F63B78  # Castagnoli's, bits reversed (RFC 3720, appendix B.4)
MAX_RECORD = 1 << 30  # bytes; protocol buffers end at 2 GiB
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types
Field = Union[int, bytes]


def crc32c(content: bytes) -> int:
    """One byte after the other: a megabyte takes a tenth of a second."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def masked(crc: int) -> bytes:
    """The four bytes that stand for a checksum."""
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + MASK) & 0xFFFFFFFF)


def read_records(file: IO[bytes], place: int = 0, crc: Callable[[bytes], int] = crc32c) -> Iterator[bytes]:
    """The records of an open file that stands at byte ``place``.  Raises ValueError, which says where it is damaged.

    ``crc`` may be a quicker way to the same checksum.
    """
    while True:
        head = file.read(12)
        if not head:
            return
        length = struct.unpack("<Q", head[:8])[0] if len(head) == 12 else 0
        if len(head) == 12 and (masked(crc(head[:8])) != head[8:] or length > MAX_RECORD):
            raise ValueError("byte %d: the length of a record is damaged" % place)
        body = file.read(length + 4)
        if len(head) < 12 or len(body) < length + 4:
            raise ValueError("byte %d: the file ends within a record: its writer was cut off" % place)
        if masked(crc(body[:length])) != body[length:]:
            raise ValueError("byte %d: a record is damaged: its checksum is another" % place)
        yield body[:length]
        place += length + 16


def framed(record: bytes) -> bytes:
    head = struct.pack("<Q", len(record))
    return head + masked(crc32c(head)) + record + masked(crc32c(record))


def fields(content: bytes) -> Dict[int, List[Field]]:
    """Field number -> what was said of it, in order; numbers are as they lie there, unsigned.

    Raises ValueError where it is no protocol buffer, or holds a group, which is long out of use.
    """
    found: Dict[int, List[Field]] = {}
    place = 0
    while place < len(content):
        key, place = read_varint(content, place)
        kind, size = key & 7, 0
        value: Field
        if kind == VARINT:
            value, place = read_varint(content, place)
        else:
            if kind == BYTES:
                size, place = read_varint(content, place)
            elif kind in (FIXED64, FIXED32):
                size = 8 if kind == FIXED64 else 4
            else:
                raise ValueError("no protocol buffer: wire type %d" % kind)
            value = content[place : place + size]
            if len(value) < size:
                raise ValueError("no protocol buffer: a field is cut short")
            place += size
        found.setdefault(key >> 3, []).append(value)
    return found


def read_varint(content: bytes, place: int) -> Tuple[int, int]:
    """(number, where it ends)"""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(content):
            raise ValueError("no protocol buffer: a number is cut short")
        byte = content[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("no protocol buffer: a number has more than ten bytes")


def signed(value: int) -> int:
    """An int64: negative ones travel as their two's complement."""
    return value - (1 << 64) if value >= 1 << 63 else value


def _table() -> List[int]:
    found = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (POLYNOMIAL if crc & 1 else 0)
        found.append(crc)
    return found


_TABLE = _table()
