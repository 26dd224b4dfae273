"""What counts as numbers.  Pure, and never an exception for data."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real

import numpy
from numpy.typing import NDArray


def finite(values: object) -> NDArray[numpy.float64] | None:
    """The values as an array, (n,); None for anything but a flat list of finite numbers.

    Lists, tuples and numpy arrays of integers or floats are taken; text, booleans, None, masked
    values, nested lists, NaN and infinity are not.
    """
    if isinstance(values, numpy.ndarray):
        values = values.tolist()
    if isinstance(values, str | bytes | bytearray) or not isinstance(values, Sequence):
        return None
    if not all(isinstance(value, Real) and not isinstance(value, bool) for value in values):
        return None
    try:
        array = numpy.asarray([float(value) for value in values], dtype=float)
    except OverflowError:  # an integer beyond the floats
        return None
    return array if numpy.isfinite(array).all() else None


def share(value: object, below: float) -> bool:
    """Whether ``value`` is a number in [0, below)."""
    one = finite([value])
    return one is not None and bool(0 <= one[0] < below)
