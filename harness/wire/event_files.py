"""TensorBoard's event files: scalars out of them, and scalars into new ones.  Standard library only, old Python.

A file is a row of TFRecords.  Each is a protocol buffer ``Event`` (tensorflow/core/util/event.proto, summary.proto,
tensor.proto), of which only what carries a scalar is read: ``simple_value``, as TensorFlow 1, torch.utils.tensorboard
and tensorboardX write it, and a tensor of no dimensions of float or double, as tf.summary and Keras do.

Strict: a damaged record is an error and never a shorter curve.
"""

from __future__ import annotations

import struct
from typing import IO, Dict, Iterator, List, NamedTuple, Optional, Sequence

from harness.wire.tfrecord import BYTES, FIXED32, FIXED64, VARINT, Field, fields, framed, read_records, signed

VERSION = "brain.Event:2"
FLOAT, DOUBLE = 1, 2  # tensorflow's DataType


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
    for number, record in enumerate(read_records(file, start)):
        try:
            event = fields(record)
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
    return b"".join(map(framed, records))


# -- protocol buffers ---------------------------------------------------------------------


def _message(value: Field) -> Dict[int, List[Field]]:
    if not isinstance(value, bytes):
        raise ValueError("no event: a number where a message belongs")
    return fields(value)


def _text(message: Dict[int, List[Field]], number: int) -> str:
    value = message.get(number, [b""])[-1]
    return value.decode("utf-8") if isinstance(value, bytes) else ""


def _number(message: Dict[int, List[Field]], number: int) -> int:
    value = message.get(number, [0])[-1]
    if not isinstance(value, int):
        raise ValueError("no event: bytes where a number belongs")
    return signed(value)


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
