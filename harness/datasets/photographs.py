"""Ten classes of real photographs: a class is one picture, an image a piece of it.

They check a whole training from decoding to top-5 in seconds.  Nobody has published a number for them.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy
from numpy.typing import NDArray

COLUMNS, ROWS = 4, 2  # cells of a picture
VALIDATE = ((1, 0), (2, 1))  # the cells (column, row) that no training image is from
PIECES = 4  # of a cell, along its diagonal; they overlap, and splits do not
SIDE = 96  # pixels


def write_photographs(sources: Mapping[str, bytes], folder: Path) -> None:
    """``folder/<split>/<class>/<column><row><piece>.png`` of every picture: 24 to train and 8 to validate."""
    for name, content in sources.items():
        pixels = read_picture(content)
        for split, label, piece in cut(pixels):
            path = folder / split / PurePosixPath(name).stem / f"{label}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(as_png(piece))


def read_picture(content: bytes) -> NDArray[numpy.uint8]:
    """uint8 [height, width] of a grey picture, [height, width, 3] of a coloured one."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as opened:
        return numpy.asarray(opened if opened.mode == "L" else opened.convert("RGB"))


def cut(pixels: NDArray[Any]) -> Iterator[tuple[str, str, NDArray[Any]]]:
    """(split, name, piece of 96 x 96 pixels) of a picture of at least 384 x 192."""
    height, width = pixels.shape[0] // ROWS, pixels.shape[1] // COLUMNS
    for row in range(ROWS):
        for column in range(COLUMNS):
            split = "val" if (column, row) in VALIDATE else "train"
            for piece in range(PIECES):
                top = row * height + piece * (height - SIDE) // (PIECES - 1)
                left = column * width + piece * (width - SIDE) // (PIECES - 1)
                yield split, f"{column}{row}{piece}", pixels[top : top + SIDE, left : left + SIDE]


def as_png(pixels: NDArray[numpy.uint8]) -> bytes:
    """A PNG whose bytes are the same on every machine: zlib and its substitutes compress each in their own way, so
    nothing is compressed (RFC 1951, section 3.2.4).
    """
    height, width = pixels.shape[:2]
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)  # filter 0: as they are
    colour = 0 if pixels.ndim == 2 else 2
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", _stored(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def _stored(data: bytes) -> bytes:
    """A zlib stream (RFC 1950) of blocks that are not compressed."""
    most = 65_535
    blocks = [data[start : start + most] for start in range(0, len(data), most)]
    written = [
        struct.pack("<BHH", number == len(blocks) - 1, len(block), len(block) ^ 0xFFFF) + block
        for number, block in enumerate(blocks)
    ]
    return b"\x78\x01" + b"".join(written) + struct.pack(">I", zlib.adler32(data))
