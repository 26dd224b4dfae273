"""Numbers as people read them, the same in every sentence and report."""

from __future__ import annotations


def show(value: float | None, unit: str) -> str:
    """``0.9778, "fraction"`` as ``97.78 %``; a missing number as an en dash."""
    if value is None:
        return "–"
    if unit == "fraction":
        return f"{100 * value:.2f} %"
    if unit == "samples/s":
        return f"{value:.4g} samples/s"
    return f"{value:.4f} {unit}".rstrip()


def show_difference(value: float | None, unit: str, *, sign: bool = True) -> str:
    """A difference: fractions in percentage points."""
    if value is None:
        return "–"
    plus = "+" if sign else ""
    if unit == "fraction":
        return f"{100 * value:{plus}.2f} pp"
    if unit == "samples/s":
        return f"{value:{plus}.3g} samples/s"
    return f"{value:{plus}.4f} {unit}".rstrip()
