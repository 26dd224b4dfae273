"""A verdict's interval as inline SVG that follows the page's colours, light or dark."""

from __future__ import annotations

import html

from harness.core.show import show
from harness.core.values import Verdict


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
