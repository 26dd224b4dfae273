"""A verdict and its sentence, from a decision and what it rests on.  Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from harness.core.show import show, show_difference
from harness.core.values import Metric, Record, Reference, RunStatus, Status, Verdict

CHANGED, FAILED, UNDECIDED = 1, 3, 4  # exit codes, DESIGN section 4; 2 is a wrong request


def values_of(records: Iterable[Record], metric: Metric) -> list[float]:
    """What each run reported of ``metric``; NaN where it reported nothing."""
    return [record.metrics.get(metric.name, math.nan) for record in records]


def make_verdict(
    records: Sequence[Record],
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
    p: float | None = None,
    advice: str = "",
    measured: float | None = None,
    earlier: Mapping[int, float] = MappingProxyType({}),
) -> Verdict:
    """``told`` is what the status rests on; ``advice`` replaces the count of further runs in the sentence.

    ``measured`` is the mean of the runs, those of the ``earlier`` seeds included, unless a robust estimate is given.
    """
    job = records[0].job
    finished = [record for record in records if record.status is RunStatus.FINISHED]
    values = (*filter(math.isfinite, values_of(finished, metric)), *earlier.values())
    verdict = Verdict(
        model=job.model,
        recipe=job.recipe,
        framework=job.framework,
        environment=job.environment,
        metric=metric.name,
        unit=metric.unit,
        better=metric.better,
        status=status,
        measured=measured if measured is not None or not values else math.fsum(values) / len(values),
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
        p=p,
        earlier_seeds=tuple(earlier),
    )
    return replace(verdict, sentence=_sentence(verdict, told, advice))


def _sentence(verdict: Verdict, told: str, advice: str) -> str:
    """One sentence that a tired person understands at night."""
    subject = f"{verdict.model}/{verdict.recipe} in {verdict.environment}: {verdict.metric}"
    reference, unit = verdict.reference, verdict.unit
    if reference is None or verdict.measured is None:
        measured = f" {show(verdict.measured, unit)}" if verdict.measured is not None else ""
        return f"{subject}{measured} is {verdict.status}: {told}."
    difference = show_difference(verdict.measured - reference.value, unit)
    against = f"{reference.kind} {show(reference.value, unit)}{_of(reference)}"
    seen = f"; a change of {show_difference(verdict.detectable, unit, sign=False)} would have been seen"
    seen = seen if verdict.detectable is not None else ""
    margin = show_difference(verdict.margin, unit, sign=False)
    head = f"{subject} {show(verdict.measured, unit)} over {verdict.n} run(s){_earlier(verdict)} against {against}"
    match verdict.status:
        case Status.PASS:
            return f"{head} reproduces: difference {difference}, shown to lie within ±{margin}."
        case Status.REGRESSION | Status.IMPROVED if reference.of == "exact":
            return f"{head} is another number: difference {difference}, beyond the ±{margin} that the same seed allows."
        case Status.REGRESSION:
            return f"{head} is worse: difference {difference}, no change is excluded at 99 %."
        case Status.IMPROVED:
            return f"{head} is better than it should be: {difference}; look for a leak or a stale baseline."
        case _:
            more = f"about {verdict.needs} more run(s) would decide" if verdict.needs else "more runs may not decide"
            return f"{head} is undecided: difference {difference}, margin ±{margin}{seen}; {advice or more} ({told})."


def _earlier(verdict: Verdict) -> str:
    count = len(verdict.earlier_seeds)
    return f", {count} of them earlier ones, a seed of which ends in the same weights again," if count else ""


def _of(reference: Reference) -> str:
    count = len(reference.values) or reference.n
    if reference.of == "best":
        return f" (the best of {count or 'an unknown number'})"
    if reference.of == "exact":
        return f" (exactly, by seed {', '.join(map(str, reference.seeds))})"
    if reference.kind == "measured":
        return f" in {reference.environment} ({count} runs beside these)"
    if reference.std is not None or reference.values:
        return f" ({count} runs)"
    return f" (the mean of {count} runs)" if reference.of == "mean" and (count or 1) > 1 else " (a single number)"


def exit_code(verdicts: Iterable[Verdict]) -> int:
    """DESIGN section 4.  A change outweighs a failure, a failure an open question."""
    statuses = {verdict.status for verdict in verdicts}
    if statuses & {Status.REGRESSION, Status.IMPROVED}:
        return CHANGED
    if statuses & {Status.ERROR, Status.INVALID, Status.UNMEASURED}:
        return FAILED
    return UNDECIDED if statuses - {Status.PASS} else 0
