"""Tables and sentences for the terminal; no colour is needed to understand them."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import tabulate

from harness.core.changes import Change
from harness.core.differences import Difference
from harness.core.night import CellState, Night, cell_words
from harness.core.show import show, show_difference
from harness.core.trends import Trend
from harness.core.values import Record, Verdict
from reports.html import apart, ended


def run_table(records: Sequence[Record]) -> str:
    """One row per run: what it measured and what identifies it."""
    rows = [
        (
            record.job.environment,
            record.job.recipe,
            record.job.seed,
            ended(record),
            ", ".join(f"{name} {value:.4g}" for name, value in sorted(record.metrics.items())) or "–",
            _number(record, "samples_per_second", "{:.4g}"),
            _number(record, "flops_share", "{:.0%}"),
            _number(record, "peak_memory_bytes", "{:.1f} GB", 1e-9),
            f"{record.seconds / 60:.1f}",
            record.digests.get("weights_final", "–")[:12],
            {True: "yes", False: "no", None: "–"}[record.deterministic],
        )
        for record in records
    ]
    headers = (
        "environment",
        "recipe",
        "seed",
        "run",
        "metrics",
        "samples/s",
        "of peak",
        "memory",
        "min",
        "weights",
        "determ.",
    )
    return tabulate(rows, headers=headers, disable_numparse=True)


def stored_table(records: Sequence[Record]) -> str:
    """One row per run: its id, what it was, what came out."""
    rows = [
        (
            record.id,
            f"{record.job.model}/{record.job.recipe}",
            record.job.environment,
            record.job.seed,
            ended(record),
            ", ".join(f"{name} {value:.4g}" for name, value in sorted(record.metrics.items())) or "–",
            f"{record.seconds / 60:.1f}",
        )
        for record in records
    ]
    headers = ("run", "model/recipe", "environment", "seed", "ended", "metrics", "min")
    return tabulate(rows, headers=headers, disable_numparse=True)


def verdict_table(verdicts: Sequence[Verdict]) -> str:
    """One row per verdict, then one sentence per verdict."""
    rows = [
        (
            verdict.environment,
            f"{verdict.model}/{verdict.recipe}",
            verdict.metric,
            show(verdict.measured, verdict.unit),
            verdict.n,
            "–"
            if verdict.reference is None
            else f"{show(verdict.reference.value, verdict.unit)} {verdict.reference.kind}",
            "–" if verdict.margin is None else f"±{show_difference(verdict.margin, verdict.unit, sign=False)}",
            verdict.status.value,
        )
        for verdict in verdicts
    ]
    headers = ("environment", "model/recipe", "metric", "measured", "n", "reference", "margin", "verdict")
    table = tabulate(rows, headers=headers, disable_numparse=True)
    return "\n".join([table, "", *(verdict.sentence for verdict in verdicts)])


def night_plan(night: Night) -> str:
    """What will be run, with the minutes that are expected by earlier runs."""
    waiting = [cell for cell in night.cells if cell.state is CellState.WAITING]
    rows = [
        (
            f"{cell.model}/{cell.recipe}",
            f"{cell.environment} in turns with {cell.beside}" if cell.beside else cell.environment,
            cell.runs,
            "–" if cell.expected_seconds is None else f"{cell.expected_seconds / 60:.1f}",
        )
        for cell in waiting
    ]
    minutes = sum(cell.first_look_seconds for cell in waiting) / 60
    table = tabulate(rows, headers=("model/recipe", "environment", "runs", "minutes a run"), disable_numparse=True)
    return f"{table}\n\nnight {night.id}: {len(waiting)} cell(s), about {minutes:.0f} minutes for the first look"


def night_table(night: Night, verdicts: Sequence[Verdict]) -> str:
    """Models and recipes by environments: the worst status of each cell; then what was not run, and why."""
    words = cell_words(night, verdicts)
    names = list(dict.fromkeys(cell.environment for cell in night.cells))
    rows: dict[str, dict[str, str]] = {}
    for cell in night.cells:
        rows.setdefault(f"{cell.model}/{cell.recipe}", {})[cell.environment] = words[cell.group]
    table = tabulate(
        [(row, *(found.get(name, "") for name in names)) for row, found in rows.items()],
        headers=("model/recipe", *names),
        disable_numparse=True,
    )
    reasons = [f"{cell.name}: {cell.state.value}: {cell.reason}" for cell in night.cells if cell.reason]
    judged = sum(cell.state is CellState.DONE for cell in night.cells)
    return "\n".join([table, "", *reasons, f"{judged} of {len(night.cells)} cell(s) were judged in night {night.id}"])


def change_lines(changes: Sequence[Change]) -> str:
    """One line per verdict that is other than it was said last."""
    if not changes:
        return "no verdict changed since it was said last"
    return "\n".join(
        f"changed: {change.verdict.model}/{change.verdict.recipe} in {change.verdict.environment}, "
        f"{change.verdict.metric}: {change.before or 'not judged'} -> {change.verdict.status.value}: "
        f"{'; '.join(change.reasons)}"
        for change in changes
    )


def difference_text(before: Record, after: Record, found: Sequence[Difference]) -> str:
    """What both measured, then what differs, the most suspicious first."""
    metrics = [
        (name, before.metrics.get(name, "–"), after.metrics.get(name, "–"))
        for name in sorted({*before.metrics, *after.metrics})
    ]
    told = [f"before: {before.id} ({before.status.value})", f"after:  {after.id} ({after.status.value})", ""]
    if metrics:
        told += [tabulate(metrics, headers=("metric", "before", "after")), ""]
    if not found:
        return "\n".join([*told, "nothing that was recorded differs"])
    rows = [(each.kind, each.name, *apart(each.before, each.after, long=48)) for each in found]
    return "\n".join([*told, tabulate(rows, headers=("kind", "what", "before", "after"), disable_numparse=True)])


def trend_text(found: Sequence[Trend]) -> str:
    """One row per series, then what happened in each."""
    rows = [
        (
            trend.environment,
            f"{trend.model}/{trend.recipe}",
            trend.metric.name,
            len(trend.nights),
            sum(trend.runs),
            trend.left_out,
            show(trend.values[0], trend.metric.unit) if trend.values else "–",
            show(trend.values[-1], trend.metric.unit) if trend.values else "–",
            show(trend.reference.value, trend.metric.unit) if trend.reference else "–",
            len(trend.points),
        )
        for trend in found
    ]
    headers = (
        "environment",
        "model/recipe",
        "metric",
        "nights",
        "runs",
        "left out",
        "first",
        "last",
        "published",
        "changes",
    )
    sentences = [sentence for trend in found for sentence in trend.sentences]
    return "\n".join([tabulate(rows, headers=headers, disable_numparse=True), "", *sentences])


def _number(record: Record, name: str, form: str, scale: float = 1.0) -> str:
    value = record.measurement.get(name)
    return "–" if value is None else form.format(value * scale)
