"""A table of numbers into samples: a row is one, and its last number is what is to be predicted."""

from __future__ import annotations

import numpy
from numpy.typing import NDArray


def read_table(content: bytes) -> dict[str, tuple[NDArray[numpy.float64], NDArray[numpy.float64]]]:
    """Lines of numbers, with commas or white space between them -> x [rows, columns - 1] and y [rows].

    One split holds all rows: which of them train is the model's to say.
    """
    lines = content.decode("ascii").replace(",", " ").splitlines()
    rows = numpy.loadtxt(lines, ndmin=2)
    return {"train": (rows[:, :-1].copy(), rows[:, -1].copy())}
