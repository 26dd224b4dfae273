"""Histories as a figure for a paper or a slide: PNG, PDF or SVG by matplotlib.  The pages draw their own."""

from __future__ import annotations

import io
from collections.abc import Sequence

from harness.core.errors import HarnessError
from harness.core.trends import Trend

FORMATS = ("png", "pdf", "svg")


def draw_histories(found: Sequence[Trend], form: str) -> bytes:
    """One panel a metric of a recipe on one kind of machine, a line an environment; changes as vertical bands.

    Equal histories give equal bytes.  Raises HarnessError for a ``form`` that is none of FORMATS.
    """
    if form not in FORMATS:
        raise HarnessError(f"no figure can be written as {form!r}", hint=f"end the file's name in {', '.join(FORMATS)}")
    import matplotlib as mpl
    from matplotlib.figure import Figure

    panels: dict[tuple[str, str, str], list[Trend]] = {}
    for trend in found:
        panels.setdefault((trend.recipe, trend.metric.name, trend.machine_class), []).append(trend)
    figure = Figure(figsize=(8, 2.6 * len(panels)), layout="constrained")
    for axes, ((recipe, metric, machine), trends) in zip(
        figure.subplots(len(panels), squeeze=False)[:, 0], panels.items(), strict=True
    ):
        nights = sorted({night for trend in trends for night in trend.nights})
        place = {night: index for index, night in enumerate(nights)}
        for trend in trends:
            (line,) = axes.plot(
                [place[night] for night in trend.nights], trend.values, marker=".", label=trend.environment
            )
            for point in trend.points:
                first, last = (place[trend.nights[index]] for index in (point.low, point.high))
                axes.axvspan(first - 0.5, last + 0.5, color=line.get_color(), alpha=0.2)
        if (reference := trends[0].reference) is not None:
            axes.axhline(reference.value, color="black", linestyle="--", label="published")
        shown = range(0, len(nights), max(1, len(nights) // 6))
        axes.set_xticks(list(shown), [nights[index] for index in shown])
        axes.set_title(f"{trends[0].model}/{recipe} on {machine}", fontsize="medium")
        axes.set_ylabel(f"{metric} ({trends[0].metric.unit})")
        axes.legend(fontsize="small")
    written = io.BytesIO()
    stamp = {"png": "Software", "pdf": "CreationDate", "svg": "Date"}[form]
    with mpl.rc_context({"svg.hashsalt": "harness"}):
        figure.savefig(written, format=form, metadata={stamp: None})
    return written.getvalue()
