"""The page: self-contained, the same bytes for the same input, inert whatever the strings say."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from harness.core.show import show, show_difference
from harness.core.trends import Trend
from harness.core.values import Record, Reference, Status, Verdict
from reports.charts import curves, interval, nights

SYMBOLS = {
    Status.PASS: "✓",
    Status.REGRESSION: "▼",
    Status.IMPROVED: "▲",
    Status.INCONCLUSIVE: "?",
    Status.NO_BASELINE: "○",
    Status.UNMEASURED: "∅",
    Status.INVALID: "⚠",
    Status.ERROR: "✗",
}
WORST_FIRST = (
    Status.REGRESSION,
    Status.ERROR,
    Status.IMPROVED,
    Status.INVALID,
    Status.UNMEASURED,
    Status.INCONCLUSIVE,
    Status.NO_BASELINE,
    Status.PASS,
)


@dataclass(frozen=True, kw_only=True)
class Page:
    title: str
    verdicts: tuple[Verdict, ...]
    records: tuple[Record, ...]
    rerun: Mapping[str, str]  # run id -> command line
    generated: str
    notes: tuple[str, ...]
    references: tuple[Reference, ...]


def render(page: Page) -> str:
    """The whole page as text."""
    verdicts = sorted(page.verdicts, key=lambda verdict: WORST_FIRST.index(verdict.status))
    judged = {id(verdict.reference) for verdict in verdicts}
    return _render(
        "page.html.j2",
        title=page.title,
        page=page,
        verdicts=verdicts,
        symbols=SYMBOLS,
        passed=sum(verdict.status is Status.PASS for verdict in verdicts),
        groups=_groups(page.records),
        unjudged=[reference for reference in page.references if id(reference) not in judged],
        interval=interval,
        safe_url=safe_url,
    )


def render_history(model: str, trends: Sequence[Trend], generated: str) -> str:
    """The page of one model's metrics over the nights."""
    drawn = {index: nights(trend, f"t{index}") for index, trend in enumerate(trends, 1)}
    return _render(
        "history.html.j2",
        title=f"History of {model}",
        trends=trends,
        generated=generated,
        chart=drawn.get,
    )


def _render(template: str, **values: Any) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(show=show, difference=show_difference)
    script = _part("page.js")
    return environment.get_template(template).render(
        style=_part("page.css"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        **values,
    )


def safe_url(url: str) -> str:
    """An address that may be linked; empty for any other scheme."""
    return url if url.startswith(("https://", "http://")) else ""


def _groups(records: tuple[Record, ...]) -> list[dict[str, Any]]:
    groups: dict[tuple[str, str, str, str], list[Record]] = {}
    for record in records:
        groups.setdefault(record.job.group, []).append(record)
    return [
        {
            "job": runs[0].job,
            "runs": runs,
            "last": runs[-1],
            "charts": [
                drawn
                for index, name in enumerate(sorted({name for run in runs for name in run.curves}))
                if (drawn := curves(runs, name, f"g{place}c{index}"))
            ],
        }
        for place, runs in enumerate(groups.values())
    ]


def _part(name: str) -> str:
    return (resources.files("reports") / "templates" / name).read_text(encoding="utf-8")
