"""Charts as inline SVG that follow the page's colours, light or dark."""

from __future__ import annotations

import html
import io
import itertools
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING

from harness.core.show import show
from harness.core.trends import Trend
from harness.core.values import Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def interval(verdict: Verdict) -> str:
    """The measured interval against the tolerance band; empty where there is nothing to draw."""
    reference, low, high, margin = verdict.reference, verdict.low, verdict.high, verdict.margin
    if reference is None or low is None or high is None or margin is None or verdict.measured is None:
        return ""
    left = min(low, reference.value - margin)
    right = max(high, reference.value + margin)
    width = (right - left) or 1.0

    def x(value: float) -> float:
        return round(8 + 184 * (value - left) / width, 2)

    band = x(reference.value - margin), x(reference.value + margin)
    told = (
        f"{show(low, verdict.unit)} to {show(high, verdict.unit)}; tolerance "
        f"{show(reference.value - margin, verdict.unit)} to {show(reference.value + margin, verdict.unit)}"
    )
    return (
        f'<svg class="interval" viewBox="0 0 200 28" role="img"><title>{html.escape(told)}</title>'
        f'<rect class="band" x="{band[0]}" y="4" width="{round(band[1] - band[0], 2)}" height="20"/>'
        f'<line class="reference" x1="{x(reference.value)}" x2="{x(reference.value)}" y1="2" y2="26"/>'
        f'<line class="measured" x1="{x(low)}" x2="{x(high)}" y1="14" y2="14"/>'
        f'<circle class="measured" cx="{x(verdict.measured)}" cy="14" r="4"/></svg>'
    )


def nights(trend: Trend, figure: str) -> str:
    """Every night's value, the levels between the changes, where a change may lie, the published value."""
    if len(trend.values) < 2:
        return ""
    with _figure(figure, 7.2) as (drawing, axes):
        x = range(len(trend.values))
        axes.plot(x, trend.values, "o", color="#123456", markersize=3)
        starts = [0, *(point.index for point in trend.points), len(trend.values)]
        for start, end in itertools.pairwise(starts):
            axes.hlines(median(trend.values[start:end]), start - 0.4, end - 0.6, color="#123456", linewidth=2)
        for point in trend.points:
            axes.axvspan(point.low - 0.5, point.high + 0.5, color="#123456", alpha=0.15, linewidth=0)
        if trend.reference:
            axes.axhline(trend.reference.value, color="#000000", linestyle="--", linewidth=1)
        axes.set_title(f"{trend.metric.name}, {trend.metric.unit}")
        ticks = sorted({0, len(trend.values) // 2, len(trend.values) - 1})
        axes.set_xticks(ticks, [trend.nights[tick] for tick in ticks])
        return _svg(drawing, figure)


@contextmanager
def _figure(name: str, width: float) -> Iterator[tuple[Figure, Axes]]:
    """A drawing of ``width`` inches whose bytes depend on its content and ``name`` only."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none", "font.size": 9}):
        drawing = Figure(figsize=(width, 2.4), layout="constrained")
        axes = drawing.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        drawing.patch.set_alpha(0)
        axes.patch.set_alpha(0)
        yield drawing, axes


def _svg(drawing: Figure, name: str) -> str:
    out = io.StringIO()
    drawing.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return _themed(out.getvalue(), name)


def _themed(svg: str, figure: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    for pattern, text in _PREFIXED.items():
        svg = re.sub(pattern, text.replace("FIGURE", figure), svg)
    return (
        svg.replace("#123456", "var(--accent)")
        .replace("#000000", "currentColor")
        .replace("<text ", '<text fill="currentColor" ')
    )


_PREFIXED: Mapping[str, str] = {
    r'id="': 'id="FIGURE-',
    r"url\(#": "url(#FIGURE-",
    r'href="#': 'href="#FIGURE-',
}
