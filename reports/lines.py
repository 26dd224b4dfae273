"""Lines over nights and epochs, drawn by hand: a night's report has hundreds of them (docs/decisions.md, 14)."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from harness.core.show import show
from harness.core.trends import Trend
from harness.core.values import Reference

WIDTH, HEIGHT = 480, 190
LEFT, RIGHT, TOP, BOTTOM = 86, 8, 16, 24  # room for the labels
COLOURS = 8  # classes s0 to s7 of page.css; further lines differ by their dashes
DASHES = ("none", "7 3", "2 2", "9 3 2 3")
MOST_POINTS = 240  # of one line: more cannot be seen at this width


@dataclass(frozen=True, kw_only=True)
class Line:
    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class _Scale:
    """Data into pixels."""

    left: float
    right: float
    low: float
    high: float

    def x(self, value: float) -> str:
        span = (self.right - self.left) or 1.0
        return _px(LEFT + (WIDTH - LEFT - RIGHT) * (value - self.left) / span)

    def y(self, value: float) -> str:
        span = (self.high - self.low) or 1.0
        return _px(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - self.low) / span)


def trend_lines(trend: Trend, recorded: Reference | None) -> str:
    """Every night's value, its levels, where a change may lie, the published band and the recorded value."""
    if not trend.values:
        return ""
    published, unit = trend.reference, trend.metric.unit
    margin = band_margin(trend)
    marks = [reference.value for reference in (published, recorded) if reference]
    if published and margin:
        marks += [published.value - margin, published.value + margin]
    scale = _scale([*trend.values, *marks], 0, max(len(trend.values) - 1, 1))
    parts = [*_axes(scale, unit)]
    if published and margin:
        top, bottom = float(scale.y(published.value + margin)), float(scale.y(published.value - margin))
        width = WIDTH - LEFT - RIGHT
        parts.append(f'<rect class="band" x="{LEFT}" y="{top}" width="{width}" height="{_px(bottom - top)}"/>')
    parts += [_level(scale, reference, kind) for reference, kind in ((published, "published"), (recorded, "recorded"))]
    for point in trend.points:
        left, right = float(scale.x(point.low - 0.5)), float(scale.x(point.high + 0.5))
        parts.append(
            f'<rect class="change" x="{left}" y="{TOP}" width="{_px(right - left)}" height="{HEIGHT - TOP - BOTTOM}"/>'
            f'<text x="{left}" y="{TOP - 3}">{point.effect:+.1%}</text>'
        )
    starts = [0, *(point.index for point in trend.points), len(trend.values)]
    for start, end in pairwise(starts):
        y = scale.y(median(trend.values[start:end]))
        parts.append(f'<line class="level" x1="{scale.x(start)}" x2="{scale.x(end - 1)}" y1="{y}" y2="{y}"/>')
    parts += [
        f'<circle class="dot" cx="{scale.x(night)}" cy="{scale.y(value)}" r="2.5"/>'
        for night, value in enumerate(trend.values)
    ]
    for night, anchor in ((0, "start"), (len(trend.nights) - 1, "end")):
        parts.append(_below(scale, night, trend.nights[night], anchor))
        if len(trend.nights) == 1:
            break
    title = f"{trend.metric.name} over {len(trend.nights)} night(s): {' '.join(trend.sentences)}"
    return _drawing(parts, title, HEIGHT)


def band_margin(trend: Trend) -> float | None:
    """Half the width of the published band: the reference's tolerance, else the recipe's."""
    metric, published = trend.metric, trend.reference
    if published is None:
        return None
    if published.margin is not None or metric.margin is not None:
        return metric.margin if published.margin is None else published.margin
    return None if metric.margin_relative is None else abs(published.value) * metric.margin_relative


def learning_curves(name: str, lines: Sequence[Line], unit: str, reference: float | None = None) -> str:
    """One curve by epoch, the environments laid over each other; ``reference`` is drawn dashed."""
    lines = [Line(name=line.name, points=list(_thinned(line.points))) for line in lines]
    lines = [line for line in lines if line.points]
    if not lines or max(len(line.points) for line in lines) < 2:
        return ""
    values = [value for line in lines for _, value in line.points] + ([] if reference is None else [reference])
    epochs = [epoch for line in lines for epoch, _ in line.points]
    scale = _scale(values, min(epochs), max(epochs))
    parts = [*_axes(scale, unit)]
    if reference is not None:
        y = scale.y(reference)
        parts.append(f'<line class="reference" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
    for place, line in enumerate(lines):
        points = " ".join(f"{scale.x(epoch)},{scale.y(value)}" for epoch, value in line.points)
        parts.append(f'<polyline {_style(place)} points="{points}"><title>{html.escape(line.name)}</title></polyline>')
    for epoch, anchor in ((min(epochs), "start"), (max(epochs), "end")):
        parts.append(_below(scale, epoch, f"epoch {epoch + 1:.0f}", anchor))
    columns = 2 if max(len(line.name) for line in lines) < 24 else 1
    for place, line in enumerate(lines):  # the legend
        x, below = LEFT + (place % columns) * 195, HEIGHT + 14 + 16 * (place // columns)
        parts.append(
            f'<line {_style(place)} x1="{x}" x2="{x + 34}" y1="{below - 4}" y2="{below - 4}"/>'
            f'<text x="{x + 40}" y="{below}">{html.escape(line.name)}</text>'
        )
    title = f"{name} by epoch in {', '.join(line.name for line in lines)}"
    return _drawing(parts, title, HEIGHT + 16 * math.ceil(len(lines) / columns) + 6)


def step_times(seconds: Sequence[float], warmup: int) -> str:
    """Every timed step; the warm-up is shaded."""
    points = [(step, value) for step, value in enumerate(seconds) if math.isfinite(value)]
    if len(points) < 2:
        return ""
    scale = _scale([0.0, *(value for _, value in points)], 0, len(seconds) - 1)
    width = float(scale.x(max(warmup - 0.5, 0))) - LEFT
    parts = [
        *_axes(scale, "s"),
        f'<rect class="change" x="{LEFT}" y="{TOP}" width="{_px(width)}" height="{HEIGHT - TOP - BOTTOM}"/>',
    ]
    shown = " ".join(f"{scale.x(step)},{scale.y(value)}" for step, value in _thinned(points))
    parts.append(f'<polyline {_style(0)} points="{shown}"/>')
    parts += [_below(scale, 0, "step 1", "start"), _below(scale, len(seconds) - 1, f"step {len(seconds)}", "end")]
    timed = seconds[warmup:] or seconds
    return _drawing(parts, f"Seconds of {len(seconds)} steps, median {median(timed):.4g} after the warm-up", HEIGHT)


def _scale(values: Sequence[float], left: float, right: float) -> _Scale:
    finite = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(finite), max(finite)
    room = 0.06 * (high - low) or 0.02 * abs(high) or 1.0
    return _Scale(left=left, right=right, low=low - room, high=high + room)


def _axes(scale: _Scale, unit: str) -> Iterator[str]:
    for tick in _ticks(scale.low, scale.high):
        y = scale.y(tick)
        yield f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
        yield f'<text x="{LEFT - 6}" y="{_px(float(y) + 4)}" text-anchor="end">{html.escape(show(tick, unit))}</text>'


def _ticks(low: float, high: float) -> list[float]:
    """Two to five round numbers."""
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [step * count for count in range(first, last + 1)]


def _level(scale: _Scale, reference: Reference | None, kind: str) -> str:
    if reference is None:
        return ""
    y = scale.y(reference.value)
    side, anchor = (WIDTH - RIGHT, "end") if kind == "published" else (LEFT + 2, "start")
    return (
        f'<line class="{kind}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
        f'<text x="{side}" y="{_px(float(y) - 3)}" text-anchor="{anchor}">{kind}</text>'
    )


def _below(scale: _Scale, x: float, text: str, anchor: str) -> str:
    return f'<text x="{scale.x(x)}" y="{HEIGHT - 6}" text-anchor="{anchor}">{html.escape(text)}</text>'


def _style(place: int) -> str:
    dash = DASHES[(place + place // COLOURS) % len(DASHES)]
    return f'class="line s{place % COLOURS}" stroke-dasharray="{dash}"'


def _thinned(points: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    finite = [point for point in points if math.isfinite(point[1])]
    every = max(1, math.ceil(len(finite) / MOST_POINTS))
    return (point for place, point in enumerate(finite) if place % every == 0 or place == len(finite) - 1)


def _drawing(parts: Sequence[str], title: str, height: float) -> str:
    told = html.escape(title)
    return f'<svg class="lines" viewBox="0 0 {WIDTH} {height}" role="img"><title>{told}</title>{"".join(parts)}</svg>'


def _px(value: float) -> str:
    return f"{value:.1f}"
