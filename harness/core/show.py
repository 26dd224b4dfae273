"""Numbers as people read them, the same in every sentence and report."""

from __future__ import annotations

SMALL = 0.001  # of which four decimals show one digit at most


def show(value: float | None, unit: str) -> str:
    """``0.9778, "fraction"`` as ``97.78 %``; a missing number as an en dash."""
    if value is None:
        return "–"
    if unit == "fraction":
        return f"{100 * value:.2f} %"
    if unit == "samples/s":
        return f"{value:.4g} samples/s"
    return f"{_plainly(value)} {unit}".rstrip()


def show_difference(value: float | None, unit: str, *, sign: bool = True) -> str:
    """A difference: fractions in percentage points."""
    if value is None:
        return "–"
    plus = "+" if sign else ""
    if unit == "fraction":
        return f"{100 * value:{plus}.2f} pp"
    if unit == "samples/s":
        return f"{value:{plus}.3g} samples/s"
    return f"{_plainly(value, plus)} {unit}".rstrip()


def _plainly(value: float, plus: str = "") -> str:
    """Four decimals, which would hide a small number: it is shown by its first digits."""
    return f"{value:{plus}.2g}" if 0 < abs(value) < SMALL else f"{value:{plus}.4f}"
