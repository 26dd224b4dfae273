"""Interleaved runs of two environments on one machine.  Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from statistics import geometric_mean, median
from typing import Literal

from harness.core.disturbance import disturbance
from harness.core.judge import judge_against, speed_margin, speed_verdict, unjudgeable
from harness.core.values import Metric, Recipe, Record, Reference, RunStatus, Status, Verdict
from harness.core.verdicts import values_of
from harness.statistics import Spread, judge_speed_paired
from harness.wire import SPEED

Side = Literal["A", "B"]
RunPair = tuple[Record, Record]  # the runs of side A and of side B


def order(number: int) -> tuple[Side, Side]:
    """A B B A: over two pairs a machine that gets slower or faster all the time harms both sides alike."""
    return ("A", "B") if number % 2 == 0 else ("B", "A")


def usable(pair: RunPair) -> bool:
    """Both runs finished on a machine that was theirs."""
    return all(run.status is RunStatus.FINISHED for run in pair) and not disturbance(pair)


def speed_metric(recipe: Recipe) -> Metric:
    """Of a recipe of mode "speed", which always has it."""
    return next(metric for metric in recipe.metrics if metric.name == SPEED)


def step_seconds(record: Record) -> float:
    """The median step after warm-up: the one number that a run says about speed.  NaN without steps."""
    steps = record.step_seconds[record.warmup_steps :]
    return median(steps) if steps else math.nan


def compare_speed(pairs: Sequence[RunPair], metric: Metric, history: Sequence[float]) -> Verdict:
    """Side B against side A; ``history`` holds log ratios of earlier A/A pairs of the job here."""
    ones, others = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    if fault := unjudgeable([*others, *ones], metric):
        return fault
    evidence = judge_speed_paired(
        [step_seconds(run) for run in ones],
        [step_seconds(run) for run in others],
        history=history,
        margin=speed_margin(metric),
    )
    return speed_verdict(others, metric, _beside(ones, metric), evidence, screen=False)


def compare_accuracy(
    ones: Sequence[Record], others: Sequence[Record], metric: Metric, spread: Spread | None
) -> Verdict:
    """Side B's runs against side A's, made with the same seeds; ``spread`` is known from earlier runs."""
    if fault := unjudgeable([*others, *ones], metric):
        return fault
    verdict = judge_against(others, metric, _beside(ones, metric), spread)
    if values_of(ones, metric) != values_of(others, metric) or not _identical(ones, others):
        return verdict
    return replace(
        verdict,
        status=Status.PASS,
        sentence=f"{verdict.model}/{verdict.recipe} in {verdict.environment}: {len(others)} run(s) end in the same "
        f"weights as in {ones[0].job.environment}, bit for bit, with the same {metric.name}.",
    )


def _identical(ones: Sequence[Record], others: Sequence[Record]) -> bool:
    """Every seed of both sides ended in the same weights, bit for bit."""
    ends = [{run.job.seed: run.digests.get("weights_final") for run in runs} for runs in (ones, others)]
    return bool(ends[0]) and ends[0] == ends[1] and None not in ends[0].values()


def in_pairs(records: Iterable[Record]) -> dict[str, list[RunPair]]:
    """The whole pairs of each session, in the order of ``records``."""
    sides: dict[tuple[str, int], dict[str, Record]] = {}
    for record in records:
        if record.pair:
            sides.setdefault((record.pair.session, record.pair.number), {})[record.pair.side] = record
    found: dict[str, list[RunPair]] = {}
    for (session, _), both in sides.items():
        if set(both) == {"A", "B"}:
            found.setdefault(session, []).append((both["A"], both["B"]))
    return found


def worth_judging(pairs: Sequence[RunPair]) -> Sequence[RunPair]:
    """Those that were not disturbed, or else all: then they say so."""
    return [pair for pair in pairs if usable(pair)] or pairs


def undisturbed(records: Iterable[Record]) -> list[Record]:
    """Without the runs of disturbed pairs, where their session has others: those were made again."""
    records = list(records)
    left_out = {
        run.id
        for pairs in in_pairs(records).values()
        for pair in pairs
        if pair not in worth_judging(pairs)
        for run in pair
    }
    return [record for record in records if record.id not in left_out]


def aa_history(records: Iterable[Record], *, model: str, recipe: str, machine_class: str) -> tuple[float, ...]:
    """Log ratios of all A/A pairs of the job on this kind of machine, oldest first: its noise, nothing else."""
    mine = (
        record
        for record in records
        if (record.job.model, record.job.recipe) == (model, recipe)
        and record.machine
        and record.machine.machine_class == machine_class
    )
    return tuple(
        math.log(step_seconds(other) / step_seconds(one))
        for pairs in in_pairs(mine).values()
        for one, other in pairs
        if _same_job(one, other) and usable((one, other)) and step_seconds(one) > 0 and step_seconds(other) > 0
    )


def _same_job(one: Record, other: Record) -> bool:
    same = all(one.digests.get(name) == other.digests.get(name) for name in ("code", "environment"))
    return same and one.job.group == other.job.group


def _beside(runs: Sequence[Record], metric: Metric) -> Reference:
    values = tuple(values_of(runs, metric))
    return Reference(
        recipe=runs[0].job.recipe,
        metric=metric.name,
        kind="measured",
        value=geometric_mean(values) if metric.name == SPEED else math.fsum(values) / len(values),
        values=values,
        framework=runs[0].job.framework,
        environment=runs[0].job.environment,
        how="interleaved with the runs that it is compared with, or of the same seeds",
        source=f"measured now in {runs[0].job.environment}",
    )
