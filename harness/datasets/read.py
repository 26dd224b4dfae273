"""Source files into arrays: x [samples, *sample_shape] and y [samples] for each split; y is int64 but in tables."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from harness.datasets.catalogue import Description
from harness.datasets.sentences import read_sentences
from harness.datasets.table import read_table

Split = tuple[NDArray[Any], NDArray[Any]]
CONTEXT = 16  # letters before each: one more than the longest name has
DIGITS_TRAIN = 1437  # four fifths of 1,797, as scikit-learn's own examples cut them


def read_arrays(item: Description, sources: Mapping[str, bytes]) -> dict[str, Split]:
    content = [sources[file.name] for file in item.files]
    if item.kind == "digits":
        return read_digits(content[0])
    if item.kind == "ucr":
        read = read_series if item.files[0].name.endswith(".ts") else read_rows
        return {"train": read(content[0]), "test": read(content[1])}
    if item.kind == "names":
        return read_names(content[0])
    if item.kind == "text":
        return read_text(content[0])
    if item.kind == "sentences":
        return read_sentences(sources)
    if item.kind == "table":
        return read_table(content[0])
    return {
        "train": (read_idx(content[0])[:, None], read_idx(content[1]).astype(numpy.int64)),
        "test": (read_idx(content[2])[:, None], read_idx(content[3]).astype(numpy.int64)),
    }


def read_digits(content: bytes) -> dict[str, Split]:
    """1,797 rows of 64 values 0 to 16 and a label -> x uint8 [n, 1, 8, 8]."""
    rows = numpy.loadtxt(content.decode("ascii").splitlines(), delimiter=",")
    x, y = rows[:, :64].astype(numpy.uint8).reshape(-1, 1, 8, 8), rows[:, 64].astype(numpy.int64)
    return {"train": (x[:DIGITS_TRAIN], y[:DIGITS_TRAIN]), "test": (x[DIGITS_TRAIN:], y[DIGITS_TRAIN:])}


def read_series(content: bytes) -> Split:
    """A .ts file of equally long univariate series -> x float32 [n, 1, length], y in the labels' sorted order."""
    lines = content.decode("utf-8").splitlines()
    start = next(index for index, line in enumerate(lines) if line.strip().lower() == "@data")
    pairs = [line.rsplit(":", 1) for line in lines[start + 1 :] if line.strip()]
    x = numpy.array([[float(value) for value in values.split(",")] for values, _ in pairs], dtype=numpy.float32)
    labels = [label.strip() for _, label in pairs]
    place = {label: index for index, label in enumerate(sorted(set(labels)))}
    return x[:, None], numpy.array([place[label] for label in labels], dtype=numpy.int64)


def read_rows(content: bytes) -> Split:
    """The 2015 archive's lines, a label and equally many values -> x float32 [n, 1, length], y in the labels' order."""
    rows = numpy.loadtxt(content.decode("ascii").splitlines(), delimiter=",", ndmin=2)
    _, y = numpy.unique(rows[:, 0], return_inverse=True)
    return rows[:, None, 1:].astype(numpy.float32), y.astype(numpy.int64)


def read_idx(content: bytes) -> NDArray[numpy.uint8]:
    """The idx format of MNIST: two zero bytes, type 8 (uint8), rank, big-endian sizes, then the values."""
    rank = content[3]
    shape = tuple(int.from_bytes(content[4 + 4 * axis : 8 + 4 * axis], "big") for axis in range(rank))
    return numpy.frombuffer(content, numpy.uint8, offset=4 + 4 * rank).reshape(shape)


def read_names(content: bytes) -> dict[str, Split]:
    """A name a line -> x uint8 [letters, 16], y the letter after them: "." is 0, a to z are 1 to 26.

    A name's end is a letter too, and its context is filled with "." on the left.  Shuffled and cut
    80/10/10 by name, as the second cells of makemore's parts 3 and 5 do it; y in file order is the
    text of a split, a name after the other.
    """
    names = content.decode("ascii").split()
    random.Random(42).shuffle(names)
    first, second = int(0.8 * len(names)), int(0.9 * len(names))
    parts = {"train": names[:first], "val": names[first:second], "test": names[second:]}
    return {split: _letters(part) for split, part in parts.items()}


def _letters(names: Sequence[str]) -> Split:
    padded = [numpy.frombuffer(b"." * CONTEXT + name.encode("ascii") + b".", numpy.uint8) for name in names]
    windows = [numpy.lib.stride_tricks.sliding_window_view(name, CONTEXT + 1) for name in padded]
    letters = numpy.concatenate(windows)
    places = numpy.where(letters == ord("."), 0, letters - ord("a") + 1).astype(numpy.uint8)
    return places[:, :CONTEXT], places[:, CONTEXT].astype(numpy.int64)


def read_text(content: bytes) -> dict[str, Split]:
    """Characters -> x uint8 [characters, 1] and y the one after it, in the order of the characters' codes.

    The first nine tenths train, the rest is for validation, as nanoGPT cuts them.
    """
    characters = content.decode("ascii")
    place = {character: index for index, character in enumerate(sorted(set(characters)))}
    places = numpy.array([place[character] for character in characters], dtype=numpy.uint8)
    cut = int(0.9 * len(places))
    parts = {"train": places[:cut], "val": places[cut:]}
    return {split: (part[:-1, None], part[1:].astype(numpy.int64)) for split, part in parts.items()}
