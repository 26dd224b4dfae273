"""Judge records against a baseline.  Pure: no files, no clock, no log."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from statistics import variance
from types import MappingProxyType

from harness.core.disturbance import disturbance
from harness.core.show import show
from harness.core.values import Baseline, Group, Metric, Recipe, Record, Reference, RunStatus, Status, Verdict
from harness.core.verdicts import make_verdict, values_of
from harness.statistics import Evidence, MeanSpread, RawRuns, Single, Spread, judge_accuracy, judge_speed
from harness.wire import SPEED

DECIDED = {
    "pass": Status.PASS,
    "regression": Status.REGRESSION,
    "improved": Status.IMPROVED,
    "inconclusive": Status.INCONCLUSIVE,
    "invalid": Status.UNMEASURED,
}

Draw = tuple[str | None, int | None, float]  # framework, seed, what it came to


def judge(records: Sequence[Record], recipe: Recipe, baseline: Baseline) -> tuple[Verdict, ...]:
    """One verdict for each group of jobs, metric and reference that applies.

    ``records`` are runs of ``recipe``; every one of them counts, the failed ones too.
    """
    groups: dict[tuple[Group, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.job.group, record.initial), []).append(record)
    return tuple(
        _marked(verdict, group)
        for group in groups.values()
        for metric in recipe.metrics
        for verdict in _judge_metric(group, metric, baseline)
    )


def _marked(verdict: Verdict, records: Sequence[Record]) -> Verdict:
    """A run that went on with an interrupted one is as good as the certificate of its recipe: so it is always said."""
    resumed = [record.id for record in records if record.id in verdict.runs and record.came_by == "resumed"]
    if not resumed:
        return verdict
    told = f"{len(resumed)} of {len(verdict.runs)} run(s) resumed an interrupted one: {', '.join(resumed)}"
    return replace(verdict, sentence=f"{verdict.sentence} Marked: {told}.")


def unjudgeable(records: Sequence[Record], metric: Metric) -> Verdict | None:
    """The verdict on runs that say nothing about ``metric``; None where every one of them does."""
    failed = [record for record in records if record.status is not RunStatus.FINISHED]
    if failed:
        told = f"{len(failed)} of {len(records)} run(s) did not finish: {failed[0].id}: {failed[0].reason}"
        return make_verdict(records, metric, Status.ERROR, told)
    missing = sum(not math.isfinite(value) for value in values_of(records, metric))
    if missing:
        told = f"{missing} of {len(records)} finished run(s) reported no finite {metric.name}"
        return make_verdict(records, metric, Status.UNMEASURED, told)
    told = _unlike(records) or (disturbance(records) if metric.name == SPEED else "")
    return make_verdict(records, metric, Status.INVALID, told) if told else None


def _unlike(records: Sequence[Record]) -> str:
    """Why runs cannot be judged together; empty when they can."""
    if len({record.digests.get("data") for record in records}) > 1:
        return "its runs saw different data"
    if len({record.job.mode for record in records}) > 1 or len({record.job.recipe for record in records}) > 1:
        return "its runs are of different recipes"
    if records[0].job.mode == "speed" and len({_machine_class(record) for record in records}) > 1:
        return "its runs were made on different machines"
    return ""


def _judge_metric(records: list[Record], metric: Metric, baseline: Baseline) -> list[Verdict]:
    if fault := unjudgeable(records, metric):
        return [fault]
    if records[0].initial:
        told = f"started from the weights of {records[0].initial}: references hold for a training from scratch"
        return [make_verdict(records, metric, Status.NO_BASELINE, told)]
    references = _applicable(records[0], metric, baseline)
    if not references:
        return [make_verdict(records, metric, Status.NO_BASELINE, _why_none(records[0], metric, baseline))]
    same = _of_same_making(records, metric, baseline)
    return [_judge_fresh(records, metric, reference, baseline, same) for reference in references]


def _judge_fresh(
    records: list[Record], metric: Metric, reference: Reference, baseline: Baseline, same: Sequence[Reference]
) -> Verdict:
    """Only runs that the reference was not made of: equal to itself is no evidence."""
    fresh = [record for record in records if record.id not in reference.runs]
    if not fresh:
        told = "the reference was recorded from these very runs; make the run again"
        return make_verdict(records, metric, Status.NO_BASELINE, told)
    if reference.of == "exact":
        return judge_exact(fresh, metric, reference)
    if repeating := _repeating(fresh, metric, reference):
        return _unchanged(repeating, metric, reference)
    here = {(record.job.framework, record.job.seed, record.metrics[metric.name]) for record in records}
    spread = known_spread(records[0], metric, baseline, counted=here.union(*map(_draws, (reference, *same))))
    return judge_against(fresh, metric, reference, spread, _other_seeds(records, same))


def _of_same_making(records: Sequence[Record], metric: Metric, baseline: Baseline) -> tuple[Reference, ...]:
    """Stored runs of which these repeat a seed, bit for bit: nothing that decides a result differs between them."""
    job = records[0].job
    return tuple(
        reference
        for reference in baseline.references
        if (reference.recipe, reference.metric, reference.framework) == (job.recipe, metric.name, job.framework)
        and _repeating(records, metric, reference)
    )


def _repeating(records: Sequence[Record], metric: Metric, reference: Reference) -> list[Record]:
    """The runs of the reference's seeds, where each ended in the weights stored for it, and the same number; else none.

    One that did not is enough to say that something has changed.
    """
    ends = zip(reference.weights, reference.values, strict=False)  # the loader has compared their lengths
    stored = dict(zip(reference.seeds, ends, strict=False))
    ours = [record for record in records if record.job.seed in stored]
    same = all(
        stored[record.job.seed] == (record.digests.get("weights_final"), record.metrics[metric.name]) for record in ours
    )
    return ours if same else []


def _other_seeds(records: Sequence[Record], same: Sequence[Reference]) -> dict[int, float]:
    """What the seeds that were not run this time came to."""
    here = {record.job.seed for record in records}
    return {
        seed: value
        for reference in same
        for seed, value in zip(reference.seeds, reference.values, strict=False)
        if seed not in here
    }


def _unchanged(records: Sequence[Record], metric: Metric, reference: Reference) -> Verdict:
    """No statistic says as much: what trained and what it was trained on are what they were."""
    values = values_of(records, metric)
    margin = _margin(metric, reference)
    verdict = make_verdict(
        records, metric, Status.PASS, "", reference=reference, low=min(values), high=max(values), margin=margin
    )
    seeds = ", ".join(str(record.job.seed) for record in records)
    return replace(
        verdict,
        sentence=f"{verdict.model}/{verdict.recipe} in {verdict.environment}: seed {seeds} ends in the weights "
        f"recorded on {reference.date}, bit for bit, with the same {metric.name}, "
        f"{show(verdict.measured, metric.unit)}.",
    )


def _applicable(record: Record, metric: Metric, baseline: Baseline) -> list[Reference]:
    """Every published reference that holds here, and the closest recorded one."""
    fitting = [
        reference
        for reference in baseline.references
        if reference.recipe == record.job.recipe
        and reference.metric == metric.name
        and reference.framework in (None, record.job.framework)
        and _holds_here(record, reference)
        and not _other_data(record, reference)
    ]
    recorded = [reference for reference in fitting if reference.kind == "recorded"]
    published = [reference for reference in fitting if reference.kind == "published"]
    recorded.sort(key=lambda reference: (reference.environment == record.job.environment, reference.date))
    return published + recorded[-1:]


def _machine_class(record: Record) -> str:
    return record.machine.machine_class if record.machine else ""


def _holds_here(record: Record, reference: Reference) -> bool:
    """Machine, device and batch size of a speed; a GPU's speed is not that of the processor beside it."""
    here = _machine_class(record)
    if reference.machine not in (None, here) and record.settings.get("device") != "cuda":
        return False
    return reference.holds_on(here) and reference.batch_size in (None, record.samples_per_step)


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
    here = [reference for reference in named if reference.holds_on(_machine_class(record))]
    if named and not here:
        machines = ", ".join(sorted({str(reference.machine) for reference in named}))
        return f"a speed holds for one machine only: references are for {machines}; this is {_machine_class(record)}"
    batches = sorted({reference.batch_size for reference in here if reference.batch_size})
    if batches and record.samples_per_step not in batches:
        sizes = ", ".join(map(str, batches))
        return (
            f"a speed holds for one batch size only: references are for {sizes}; this run had {record.samples_per_step}"
        )
    for reference in named:
        if told := _other_data(record, reference):
            return told
    return f"no reference for {metric.name}; record one with: harness baseline record {record.job.model}"


def known_spread(
    record: Record, metric: Metric, baseline: Baseline, *, counted: Collection[Draw] = ()
) -> Spread | None:
    """How much seeds of the record's recipe differ, by all stored runs but those that are ``counted`` otherwise.

    Pooled over frameworks and environments: a recipe's scatter is mostly its own, and ``judge_accuracy``
    drops it where the runs at hand scatter significantly more.  The same runs may be stored twice, recorded at
    one time and kept as earlier ones at another.
    """
    stored = [
        reference
        for reference in baseline.references
        if reference.kind != "published"
        and (reference.recipe, reference.metric) == (record.job.recipe, metric.name)
        and len(reference.values) > 1
        and not _other_data(record, reference)
    ]
    seen, pooled = set(counted), []
    for reference in sorted(stored, key=lambda reference: len(reference.values), reverse=True):
        if not seen.issuperset(_draws(reference)):
            pooled.append(reference.values)
        seen.update(_draws(reference))
    df = sum(len(values) - 1 for values in pooled)
    squares = math.fsum((len(values) - 1) * variance(values) for values in pooled)
    return Spread(std=math.sqrt(squares / df), df=df) if df else None


def _draws(reference: Reference) -> set[Draw]:
    """Of a published one, and of an old recorded one without seeds, the values alone tell."""
    seeds = reference.seeds or (None,) * len(reference.values)
    return {(reference.framework, seed, value) for seed, value in zip(seeds, reference.values, strict=False)}


def judge_against(
    records: Sequence[Record],
    metric: Metric,
    reference: Reference,
    spread: Spread | None = None,
    earlier: Mapping[int, float] = MappingProxyType({}),
) -> Verdict:
    """The verdict on runs that all hold a finite value of ``metric``, with those of the ``earlier`` seeds."""
    values = [*values_of(records, metric), *earlier.values()]
    if metric.name == SPEED:
        evidence = judge_speed(
            [1 / value for value in reference.values or (reference.value,)],
            [1 / value for value in values],
            margin=speed_margin(metric),
        )
        return speed_verdict(records, metric, reference, evidence, screen=True)
    evidence = judge_accuracy(
        values,
        reference=_statistic(reference),
        spread=spread,
        higher_is_better=metric.better == "higher",
        margin=_margin(metric, reference),
    )
    low, high = _map(lambda difference: reference.value + difference, evidence.low, evidence.high)
    return make_verdict(
        records,
        metric,
        DECIDED[evidence.decision],
        evidence.reason,
        reference=reference,
        low=low,
        high=high,
        margin=evidence.margin,
        detectable=evidence.detectable,
        needs=evidence.needs,
        p=evidence.p,
        earlier=earlier,
    )


def judge_exact(records: Sequence[Record], metric: Metric, reference: Reference) -> Verdict:
    """Runs of the reference's seeds draw the same random numbers, so each must come to the same value.

    No statistic: such a run is no further draw but the same computation.  Other seeds say nothing here.
    """
    ours = [record for record in records if record.job.seed in reference.seeds]
    if not ours:
        told = f"the reference is what seed {', '.join(map(str, reference.seeds))} comes to, which was not run"
        return make_verdict(records, metric, Status.NO_BASELINE, told)
    values = values_of(ours, metric)
    margin = _margin(metric, reference)
    furthest = max((value - reference.value for value in values), key=abs)
    worse = (furthest > 0) == (metric.better == "lower")
    status = Status.REGRESSION if worse else Status.IMPROVED
    if margin is not None and abs(furthest) <= margin:
        status = Status.PASS
    return make_verdict(ours, metric, status, "", reference=reference, low=min(values), high=max(values), margin=margin)


def _margin(metric: Metric, reference: Reference) -> float | None:
    """The recipe's, unless the reference replaces it with its own reason."""
    return metric.margin if reference.margin is None else reference.margin


def speed_margin(metric: Metric) -> float:
    return 0.05 if metric.margin_relative is None else metric.margin_relative


def speed_verdict(
    records: Sequence[Record], metric: Metric, reference: Reference, evidence: Evidence, *, screen: bool
) -> Verdict:
    """Evidence about slowdowns as a verdict about rates.

    A ``screen`` is a comparison with runs of another day: what it suspects alarms nobody until pairs of
    interleaved runs confirm it (VERDICTS rule 4).
    """
    base, status, advice = reference.value, DECIDED[evidence.decision], ""
    if screen and status in (Status.REGRESSION, Status.IMPROVED):
        advice = f"{status} is suspected against another day's runs: {_confirmation(records, reference)}"
        status = Status.INCONCLUSIVE
    # A slowdown turned into samples a second: the slowest end is the lowest rate.
    low, high = _map(lambda slower: base / (1 + slower), evidence.high, evidence.low)
    margin, detectable = _map(lambda share: base * share, evidence.margin, evidence.detectable)
    return make_verdict(
        records,
        metric,
        status,
        evidence.reason,
        reference=reference,
        low=low,
        high=high,
        margin=margin,
        detectable=detectable,
        needs=None if advice else evidence.needs,
        p=evidence.p,
        advice=advice,
        measured=None if evidence.estimate is None else base / (1 + evidence.estimate),
    )


def _confirmation(records: Sequence[Record], reference: Reference) -> str:
    job = records[0].job
    if reference.environment in (None, job.environment):
        return "the environment is the same, so the code, the driver or the machine differs"
    return (
        "confirm it by interleaved pairs: harness compare "
        f"{reference.environment} {job.environment} --model {job.model} --recipe {job.recipe}"
    )


def _map(change: Callable[[float], float], *values: float | None) -> list[float | None]:
    return [None if value is None else change(value) for value in values]


def _statistic(reference: Reference) -> RawRuns | MeanSpread | Single:
    if reference.values:
        return RawRuns(reference.values)
    if reference.std is not None and reference.std_kind is not None and reference.n is not None:
        return MeanSpread(mean=reference.value, std=reference.std, n=reference.n, std_kind=reference.std_kind)
    of = "single" if reference.of == "exact" else reference.of  # an exact one is judged without statistics
    return Single(reference.value, of=of, n=reference.n or 1)
