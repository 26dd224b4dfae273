"""Judge records against a baseline.  Pure: no files, no clock, no log."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from statistics import stdev

from harness.core.show import show, show_difference
from harness.core.values import Baseline, Metric, Recipe, Record, Reference, RunStatus, Status, Verdict
from harness.statistics import (
    MeanSpread,
    RawRuns,
    Single,
    Spread,
    judge_accuracy,
    judge_speed,
)
from harness.wire import SPEED

# Shares above which a speed says nothing about the model.  Chosen, not yet measured: a neighbour with one
# core of two has half of the machine, and a few per cent of noise are always there.
MAX_FOREIGN_SHARE = 0.10
MAX_STEAL_SHARE = 0.05
MAX_WAIT_SHARE = 0.10
MIN_CPU_SHARE = 0.60  # of the threads asked for, on a CPU: below, the machine stalled

DECIDED = {
    "pass": Status.PASS,
    "regression": Status.REGRESSION,
    "improved": Status.IMPROVED,
    "inconclusive": Status.INCONCLUSIVE,
    "invalid": Status.UNMEASURED,
}


def judge(records: Sequence[Record], recipe: Recipe, baseline: Baseline) -> tuple[Verdict, ...]:
    """One verdict for each group of jobs, metric and reference that applies.

    ``records`` are runs of ``recipe``; every one of them counts, the failed ones too.
    """
    groups: dict[tuple[str, str, str, str], list[Record]] = {}
    for record in records:
        groups.setdefault(record.job.group, []).append(record)
    return tuple(
        verdict
        for group in groups.values()
        for metric in recipe.metrics
        for verdict in _judge_metric(group, metric, baseline)
    )


def exit_code(verdicts: Iterable[Verdict]) -> int:
    """DESIGN section 4.  A change outweighs a failure, a failure an open question."""
    statuses = {verdict.status for verdict in verdicts}
    if statuses & {Status.REGRESSION, Status.IMPROVED}:
        return 1
    if statuses & {Status.ERROR, Status.INVALID, Status.UNMEASURED}:
        return 3
    return 4 if statuses - {Status.PASS} else 0


def _judge_metric(records: list[Record], metric: Metric, baseline: Baseline) -> list[Verdict]:
    failed = [record for record in records if record.status is not RunStatus.FINISHED]
    if failed:
        told = f"{len(failed)} of {len(records)} run(s) did not finish: {failed[0].id}: {failed[0].reason}"
        return [_verdict(records, metric, Status.ERROR, told)]
    values = [record.metrics.get(metric.name, math.nan) for record in records]
    missing = sum(not math.isfinite(value) for value in values)
    if missing:
        told = f"{missing} of {len(records)} finished run(s) reported no finite {metric.name}"
        return [_verdict(records, metric, Status.UNMEASURED, told)]
    if metric.name == SPEED:
        disturbed = disturbance(records)
        if disturbed:
            return [_verdict(records, metric, Status.INVALID, disturbed)]
    references = _applicable(records[0], metric, baseline)
    if not references:
        return [_verdict(records, metric, Status.NO_BASELINE, _why_none(records[0], metric, baseline))]
    spread = _known_spread(references)
    return [_against(records, values, metric, reference, spread) for reference in references]


def disturbance(records: Iterable[Record]) -> str:
    """Why the speeds of these runs cannot be used: the first disturbed one; empty when they can."""
    return next(filter(None, map(_disturbance, records)), "")


def _disturbance(record: Record) -> str:
    measured = record.measurement
    limits = (
        ("foreign_share", MAX_FOREIGN_SHARE, "other processes used {:.0%} of the machine"),
        ("steal_share", MAX_STEAL_SHARE, "the hypervisor took {:.0%} of the machine"),
        ("wait_share", MAX_WAIT_SHARE, "the run waited {:.0%} of its time for a core"),
    )
    for name, limit, phrase in limits:
        share = measured.get(name, math.nan)
        if not share <= limit:  # NaN is over the limit
            return f"{record.id}: {phrase.format(share)} while it was measured (at most {limit:.0%})"
    share = measured.get("cpu_share", math.nan)
    if record.settings.get("device") == "cpu" and not share >= MIN_CPU_SHARE:
        return f"{record.id}: the run got only {share:.0%} of its {record.job.threads} cores: the machine stalled"
    return ""


def _applicable(record: Record, metric: Metric, baseline: Baseline) -> list[Reference]:
    """Every published reference that holds here, and the closest recorded one."""
    fitting = [
        reference
        for reference in baseline.references
        if reference.recipe == record.job.recipe
        and reference.metric == metric.name
        and reference.framework in (None, record.job.framework)
        and (reference.machine is None or _machine_class(record) == reference.machine)
        and not _other_data(record, reference)
    ]
    recorded = [reference for reference in fitting if reference.kind == "recorded"]
    published = [reference for reference in fitting if reference.kind == "published"]
    recorded.sort(key=lambda reference: (reference.environment == record.job.environment, reference.date))
    return published + recorded[-1:]


def _machine_class(record: Record) -> str:
    return record.machine.machine_class if record.machine else ""


def _other_data(record: Record, reference: Reference) -> str:
    """Why the reference is for other data than the run saw; empty when it is not."""
    data = record.data or {}
    if reference.kind == "published":
        if data.get("complete", True):
            return ""
        found = ", ".join(
            f"{split} has {entry['samples']:,} of {data['published'][split]:,} images"
            for split, entry in data["splits"].items()
        )
        return f"the published number is for all of {data['name']}: {found}"
    now = record.digests.get("data", "")
    if reference.data in ("", now):
        return ""
    return f"recorded on other data: the reference's is {reference.data[:12]}, the run saw {now[:12] or 'none'}"


def _why_none(record: Record, metric: Metric, baseline: Baseline) -> str:
    named = [
        reference
        for reference in baseline.references
        if (reference.recipe, reference.metric) == (record.job.recipe, metric.name)
        and reference.framework in (None, record.job.framework)
    ]
    elsewhere = sorted({str(reference.machine) for reference in named if reference.machine})
    if elsewhere and _machine_class(record) not in elsewhere:
        machines = ", ".join(elsewhere)
        return f"a speed holds for one machine only: references are for {machines}; this is {_machine_class(record)}"
    for reference in named:
        if told := _other_data(record, reference):
            return told
    return f"no reference for {metric.name}; record one with: harness baseline record {record.job.model}"


def _known_spread(references: list[Reference]) -> Spread | None:
    """The run-to-run spread of this job from our own recorded runs in the same framework."""
    for reference in references:
        if reference.kind == "recorded" and len(reference.values) > 1:
            return Spread(std=stdev(reference.values), df=len(reference.values) - 1)
    return None


def _against(
    records: list[Record], values: list[float], metric: Metric, reference: Reference, spread: Spread | None
) -> Verdict:
    base = reference.value
    if metric.name == SPEED:
        evidence = judge_speed(
            [1 / value for value in reference.values or (base,)],
            [1 / value for value in values],
            margin=metric.margin_relative or 0.05,
        )
        # A slowdown turned into samples a second: the slowest end is the lowest rate.
        low, high = _map(lambda slower: base / (1 + slower), evidence.high, evidence.low)
        margin, detectable = _map(lambda share: base * share, evidence.margin, evidence.detectable)
    else:
        evidence = judge_accuracy(
            values,
            reference=_statistic(reference),
            spread=spread if reference.kind == "published" else None,
            higher_is_better=metric.better == "higher",
            margin=metric.margin if reference.margin is None else reference.margin,
        )
        low, high = _map(lambda difference: base + difference, evidence.low, evidence.high)
        margin, detectable = evidence.margin, evidence.detectable
    return _verdict(
        records,
        metric,
        DECIDED[evidence.decision],
        evidence.reason,
        reference=reference,
        low=low,
        high=high,
        margin=margin,
        detectable=detectable,
        needs=evidence.needs,
    )


def _map(change: Callable[[float], float], *values: float | None) -> list[float | None]:
    return [None if value is None else change(value) for value in values]


def _statistic(reference: Reference) -> RawRuns | MeanSpread | Single:
    if reference.values:
        return RawRuns(reference.values)
    if reference.std is not None and reference.std_kind is not None and reference.n is not None:
        return MeanSpread(mean=reference.value, std=reference.std, n=reference.n, std_kind=reference.std_kind)
    return Single(reference.value, of="best" if reference.of == "best" else "single", n=reference.n or 1)


def _verdict(
    records: list[Record],
    metric: Metric,
    status: Status,
    told: str,
    *,
    reference: Reference | None = None,
    low: float | None = None,
    high: float | None = None,
    margin: float | None = None,
    detectable: float | None = None,
    needs: int | None = None,
) -> Verdict:
    job = records[0].job
    values = tuple(
        record.metrics[metric.name]
        for record in records
        if record.status is RunStatus.FINISHED and math.isfinite(record.metrics.get(metric.name, math.nan))
    )
    verdict = Verdict(
        model=job.model,
        recipe=job.recipe,
        framework=job.framework,
        environment=job.environment,
        metric=metric.name,
        unit=metric.unit,
        better=metric.better,
        status=status,
        measured=math.fsum(values) / len(values) if values else None,
        n=len(values),
        values=values,
        reference=reference,
        low=low,
        high=high,
        margin=margin,
        detectable=detectable,
        needs=needs,
        sentence="",
        runs=tuple(record.id for record in records),
    )
    return replace(verdict, sentence=_sentence(verdict, told))


def _sentence(verdict: Verdict, told: str) -> str:
    """One sentence that a tired person understands at night."""
    subject = f"{verdict.model}/{verdict.recipe} in {verdict.environment}: {verdict.metric}"
    reference, unit = verdict.reference, verdict.unit
    if reference is None or verdict.measured is None:
        measured = f" {show(verdict.measured, unit)}" if verdict.measured is not None else ""
        return f"{subject}{measured} is {verdict.status}: {told}."
    difference = show_difference(verdict.measured - reference.value, unit)
    against = f"{reference.kind} {show(reference.value, unit)}{_of(reference)}"
    margin = show_difference(verdict.margin, unit, sign=False)
    head = f"{subject} {show(verdict.measured, unit)} over {verdict.n} run(s) against {against}"
    match verdict.status:
        case Status.PASS:
            return f"{head} reproduces: difference {difference}, shown to lie within ±{margin}."
        case Status.REGRESSION:
            return f"{head} is worse: difference {difference}, no change is excluded at 99 %."
        case Status.IMPROVED:
            return f"{head} is better than it should be: {difference}; look for a leak or a stale baseline."
        case _:
            more = f"about {verdict.needs} more run(s) would decide" if verdict.needs else "more runs may not decide"
            return f"{head} is undecided: difference {difference}, margin ±{margin}; {more} ({told})."


def _of(reference: Reference) -> str:
    count = len(reference.values) or reference.n
    if reference.of == "best":
        return f" (the best of {count or 'an unknown number'})"
    if reference.std is None and not reference.values:
        return " (a single number)"
    return f" ({count} runs)"
