"""The page: self-contained, the same bytes for the same input, inert whatever the strings say."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from harness.core.differences import Difference
from harness.core.night import WORST_FIRST
from harness.core.show import show, show_difference
from harness.core.trends import Trend
from harness.core.values import Group, Record, Reference, Status, Verdict
from reports.charts import interval
from reports.lines import Line, learning_curves, trend_lines

if TYPE_CHECKING:
    import jinja2

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


LONG = 160  # characters of a value, beyond which only the part that differs is shown


@dataclass(frozen=True, kw_only=True)
class WhatChanged:
    """What differs between the runs on both sides of a change; ``new`` where the newest night brought it."""

    sentences: tuple[str, ...]  # of every verdict that turned with it
    before: Record
    after: Record
    found: tuple[Difference, ...]
    new: bool = False


@dataclass(frozen=True, kw_only=True)
class Page:
    title: str
    verdicts: tuple[Verdict, ...]
    records: tuple[Record, ...]
    rerun: Mapping[str, str]  # run id -> command line
    generated: str
    notes: tuple[str, ...]
    references: tuple[Reference, ...]
    changes: tuple[WhatChanged, ...] = ()
    pages: frozenset[str] = frozenset()  # files beside it that may be linked


def worst_first(verdicts: Sequence[Verdict]) -> list[Verdict]:
    return sorted(verdicts, key=lambda verdict: WORST_FIRST.index(verdict.status))


def page_of(kind: str, name: str) -> str:
    """The file of a model's or a run's page, whatever its name holds."""
    return f"{kind}-{re.sub(r'[^A-Za-z0-9._-]', '_', name)}.html"


def render(page: Page) -> str:
    """The whole page as text."""
    verdicts = worst_first(page.verdicts)
    judged = {id(verdict.reference) for verdict in verdicts}
    return render_template(
        "page.html.j2",
        title=page.title,
        page=page,
        verdicts=verdicts,
        pages=page.pages,
        models=sorted({record.job.model for record in page.records}),
        passed=sum(verdict.status is Status.PASS for verdict in verdicts),
        groups=_groups(page.records),
        unjudged=[each for each in page.references if id(each) not in judged and each.kind != "earlier"],
    )


def render_history(model: str, trends: Sequence[Trend], generated: str) -> str:
    """The page of one model's metrics over the nights."""
    return render_template(
        "history.html.j2",
        title=f"History of {model}",
        trends=[(trend, trend_lines(trend, None)) for trend in trends],
        generated=generated,
    )


def render_differences(before: Record, after: Record, found: Sequence[Difference]) -> str:
    """The page of two runs side by side."""
    return render_template(
        "differences.html.j2",
        title="What differs between two runs",
        change=WhatChanged(sentences=(), before=before, after=after, found=tuple(found)),
        names=sorted({*before.metrics, *after.metrics}),
        pages=frozenset(),
    )


def render_template(template: str, **values: Any) -> str:
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        show=show,
        difference=show_difference,
        page_of=lambda name, kind: page_of(kind, name),
        zip=zip,
        utc=utc,
        pretty=lambda value: json.dumps(value, indent=1, sort_keys=True, default=str),
    )
    script = _part("page.js")
    environment.globals.update(
        style=_part("page.css"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        symbols=SYMBOLS,
        interval=interval,
        safe_url=safe_url,
        apart=apart,
        ended=ended,
    )
    return environment


@cache
def view_digest() -> str:
    """Of the code and the templates that make pages: a page that it made need not be made again."""
    digest = hashlib.sha256()
    folder = resources.files("reports")
    for part in (folder, folder / "templates"):
        for path in sorted(part.iterdir(), key=lambda item: item.name):
            if path.is_file() and not path.name.endswith(".pyc"):
                digest.update(path.read_bytes())
    return digest.hexdigest()


def apart(one: str | None, other: str | None, long: int = LONG) -> tuple[str, str]:
    """Both values; of long ones what differs, with a little of what stands around it."""
    if one is None or other is None or max(len(one), len(other)) <= long:
        return _shortened(one, long), _shortened(other, long)
    start = _alike(one, other)
    end = min(_alike(one[::-1], other[::-1]), len(one) - start, len(other) - start)
    around = 12
    left = max(0, start - around)

    def part(value: str) -> str:
        right = min(len(value), len(value) - end + around)
        return f"{'…' if left else ''}{_shortened(value[left:right], long)}{'…' if right < len(value) else ''}"

    return part(one), part(other)


def _alike(one: str, other: str) -> int:
    """How many characters both begin with."""
    shorter = min(len(one), len(other))
    return next((place for place in range(shorter) if one[place] != other[place]), shorter)


def _shortened(value: str | None, long: int) -> str:
    if value is None:
        return "–"
    return value if len(value) <= long else f"{value[:long]}…"


def ended(record: Record) -> str:
    """finished; finished, resumed: how a run ended, with the mark that it must not lose."""
    return ", ".join(filter(None, (record.status.value, record.mark)))


def utc(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def safe_url(url: str) -> str:
    """An address that may be linked; empty for any other scheme."""
    return url if url.startswith(("https://", "http://")) else ""


def _groups(records: tuple[Record, ...]) -> list[dict[str, Any]]:
    groups: dict[Group, list[Record]] = {}
    for record in records:
        groups.setdefault(record.job.group, []).append(record)
    return [
        {
            "job": runs[0].job,
            "runs": runs,
            "last": runs[-1],
            "charts": [
                drawn
                for name in sorted({name for run in runs for name in run.curves})
                if (drawn := learning_curves(name, _by_seed(runs, name), ""))
            ],
        }
        for runs in groups.values()
    ]


def _by_seed(runs: Sequence[Record], name: str) -> list[Line]:
    return [Line(name=f"seed {run.job.seed}", points=run.curves[name]) for run in runs if name in run.curves]


def _part(name: str) -> str:
    return (resources.files("reports") / "templates" / name).read_text(encoding="utf-8")
