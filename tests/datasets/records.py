"""Writes TFRecord files of images, as far as the tests need them."""

from __future__ import annotations


def example(encoded: bytes, label: int) -> bytes:
    """A tf.train.Example with image/encoded and image/class/label."""
    image = _field(b"image/encoded") + _field(_field(_field(encoded)), 2)
    number = _field(b"image/class/label") + _field(_field(_field(_varint(label)), 3), 2)
    return _field(_field(image) + _field(number))


def _field(content: bytes, number: int = 1) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    return bytes([value]) if value < 0x80 else bytes([value & 0x7F | 0x80]) + _varint(value >> 7)
