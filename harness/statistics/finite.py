"""Whether what came in is a number at all.  Never raises for data."""

from __future__ import annotations

from collections.abc import Sized
from numbers import Integral, Real

import numpy
from numpy.typing import NDArray

HUGE = 1e100  # no metric reaches it, and its square is still a finite number


def number(given: object) -> float | None:
    """The finite float that ``given`` is; None for NaN, infinity, bool, text and everything else."""
    if isinstance(given, bool) or not isinstance(given, Real):
        return None
    try:
        value = float(given)
    except (OverflowError, ValueError, TypeError):
        return None
    return value if -HUGE < value < HUGE else None  # NaN is outside


def count(given: object) -> int | None:
    """The whole number of at least 1 that ``given`` is; None otherwise."""
    if isinstance(given, bool) or not isinstance(given, Integral):
        return None
    whole = int(given)
    return whole if 1 <= whole <= 1_000_000_000 else None


def numbers(given: object) -> list[float] | None:
    """The finite floats of a flat list, tuple or array, which may be empty; None when one of them is no number."""
    if isinstance(given, str | bytes | bytearray | dict | set | frozenset) or not isinstance(given, Sized):
        return None
    try:
        found = [number(item) for item in given]  # type: ignore[attr-defined]
    except TypeError:  # an array without dimension has a length that cannot be asked for
        return None
    values = [value for value in found if value is not None]
    return values if len(values) == len(found) else None


def array(given: object) -> NDArray[numpy.float64] | None:
    """``numbers`` as an array, (n,)."""
    values = numbers(given)
    return None if values is None else numpy.asarray(values, dtype=numpy.float64)


def share(given: object, below: float) -> bool:
    """Whether ``given`` is a number from 0 to under ``below``."""
    value = number(given)
    return value is not None and 0 <= value < below
