"""TensorBoard's event files: scalars out of them, and scalars into new ones.  Standard library only, old Python.

A file is a row of records (TFRecord): length as uint64, its checksum, the bytes, their checksum, all little-endian;
a checksum is CRC-32C (Castagnoli), rotated right by 15 bits plus 0xa282ead8 (tensorflow/core/lib/hash/crc32c.h).
Each record is a protocol buffer ``Event`` (tensorflow/core/util/event.proto, summary.proto, tensor.proto), of which
only what carries a scalar is read: ``simple_value``, as TensorFlow 1, torch.utils.tensorboard and tensorboardX write
it, and a tensor of no dimensions of float or double, as tf.summary and Keras do.

Strict: a damaged record, or one that the end of the file cuts short, is an error and never a shorter curve.
"""

from __future__ import annotations

import struct
from typing import IO, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

MASK = 0xA282EAD8
VERSION = "brain.Event:2"
MAX_RECORD = 1 << 30  # bytes; protocol buffers end at 2 GiB
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types
FLOAT, DOUBLE = 1, 2  # tensorflow's DataType
Field = Union[int, bytes]


class Scalar(NamedTuple):
    tag: str
    step: int
    value: float
    time: float  # Unix seconds


def read_scalars(file: IO[bytes], start: int = 0) -> Iterator[Scalar]:
    """The scalars of an open event file in the order they were written, from byte ``start`` on.

    Raises ValueError, which says where, for anything that is no sound event file.
    """
    file.seek(start)
    place = start
    for number, record in enumerate(_records(file, start)):
        try:
            event = _fields(record)
            if start == 0 and number == 0 and _text(event, 3) != VERSION:
                raise ValueError("it does not begin as an event file does")
            for summary in event.get(5, ()):
                yield from _scalars(_message(summary), _number(event, 2), _double(event, 1))
        except (ValueError, struct.error) as error:
            raise ValueError("record %d, after byte %d: %s" % (number, place, error)) from None
        place += len(record) + 16


def write_scalars(scalars: Sequence[Scalar], *, started: float) -> bytes:
    """A whole event file that holds ``scalars``, as ``simple_value``."""
    records = [_double_field(1, started) + _bytes_field(3, VERSION.encode())]
    for tag, step, value, time in scalars:
        told = _bytes_field(1, tag.encode()) + _key(2, FIXED32) + struct.pack("<f", value)
        event = _double_field(1, time) + _key(2, VARINT) + _varint(step & 0xFFFFFFFFFFFFFFFF)
        records.append(event + _bytes_field(5, _bytes_field(1, told)))
    return b"".join(_framed(record) for record in records)


def masked_crc32c(content: bytes) -> int:
    crc = 0xFFFFFFFF
    table = _TABLE
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + MASK) & 0xFFFFFFFF


def _table() -> List[int]:
    """Of the reflected polynomial 0x1EDC6F41 (RFC 3720, appendix B.4)."""
    found = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
        found.append(crc)
    return found


_TABLE = _table()


# -- records ------------------------------------------------------------------------------


def _records(file: IO[bytes], place: int) -> Iterator[bytes]:
    while True:
        head = file.read(12)
        if not head:
            return
        length = struct.unpack("<Q", head[:8])[0] if len(head) == 12 else 0
        if len(head) == 12 and (masked_crc32c(head[:8]) != _uint32(head[8:]) or length > MAX_RECORD):
            raise ValueError("byte %d: the length of a record is damaged" % place)
        body = file.read(length + 4)
        if len(head) < 12 or len(body) < length + 4:
            raise ValueError("byte %d: the file ends within a record: its writer was cut off" % place)
        if masked_crc32c(body[:length]) != _uint32(body[length:]):
            raise ValueError("byte %d: a record is damaged: its checksum is another" % place)
        yield body[:length]
        place += length + 16


def _framed(record: bytes) -> bytes:
    head = struct.pack("<Q", len(record))
    return head + struct.pack("<I", masked_crc32c(head)) + record + struct.pack("<I", masked_crc32c(record))


def _uint32(content: bytes) -> int:
    return int(struct.unpack("<I", content)[0])


# -- protocol buffers ---------------------------------------------------------------------


def _fields(content: bytes) -> Dict[int, List[Field]]:
    """Field number -> what was said of it, in order.  A group, long out of use, is an error."""
    found: Dict[int, List[Field]] = {}
    place = 0
    while place < len(content):
        key, place = _read_varint(content, place)
        kind, size = key & 7, 0
        value: Field
        if kind == VARINT:
            value, place = _read_varint(content, place)
        else:
            if kind == BYTES:
                size, place = _read_varint(content, place)
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


def _read_varint(content: bytes, place: int) -> Tuple[int, int]:
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


def _message(value: Field) -> Dict[int, List[Field]]:
    if not isinstance(value, bytes):
        raise ValueError("no event: a number where a message belongs")
    return _fields(value)


def _text(message: Dict[int, List[Field]], number: int) -> str:
    value = message.get(number, [b""])[-1]
    return value.decode("utf-8") if isinstance(value, bytes) else ""


def _number(message: Dict[int, List[Field]], number: int) -> int:
    """An int64: negative ones travel as their two's complement."""
    value = message.get(number, [0])[-1]
    if not isinstance(value, int):
        raise ValueError("no event: bytes where a number belongs")
    return value - (1 << 64) if value >= 1 << 63 else value


def _double(message: Dict[int, List[Field]], number: int) -> float:
    return _unpacked("<d", message.get(number, [b"\0" * 8])[-1])


def _unpacked(form: str, value: Field) -> float:
    if not isinstance(value, bytes):
        raise ValueError("no event: a number of another kind")
    return float(struct.unpack(form, value)[0])


def _scalars(summary: Dict[int, List[Field]], step: int, time: float) -> Iterator[Scalar]:
    for told in summary.get(1, ()):
        value = _message(told)
        if 2 in value:
            yield Scalar(_text(value, 1), step, _unpacked("<f", value[2][-1]), time)
        elif 8 in value:
            number = _of_tensor(_message(value[8][-1]))
            if number is not None:
                yield Scalar(_text(value, 1), step, number, time)


def _of_tensor(tensor: Dict[int, List[Field]]) -> Optional[float]:
    """Of a tensor without dimensions; None of any other: a histogram, an image, a text."""
    kind = _number(tensor, 1)
    shape = _message(tensor.get(2, [b""])[-1])
    if kind not in (FLOAT, DOUBLE) or 2 in shape or shape.get(3, [0])[-1]:
        return None
    form, field = ("<f", 5) if kind == FLOAT else ("<d", 6)
    content = tensor.get(4, [b""])[-1] or tensor.get(field, [b"\0" * struct.calcsize(form)])[-1]
    return _unpacked(form, content)


def _key(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _varint(value: int) -> bytes:
    said = bytearray()
    while value > 0x7F:
        said.append(value & 0x7F | 0x80)
        value >>= 7
    said.append(value)
    return bytes(said)


def _bytes_field(number: int, content: bytes) -> bytes:
    return _key(number, BYTES) + _varint(len(content)) + content


def _double_field(number: int, value: float) -> bytes:
    return _key(number, FIXED64) + struct.pack("<d", value)
