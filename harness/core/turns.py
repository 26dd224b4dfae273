"""When a cell went from good to bad: its last good run and its first bad one.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.core.changes import key
from harness.core.judge import judge
from harness.core.newest import newest_runs
from harness.core.trends import Trend
from harness.core.values import Baseline, Recipe, Record, RunStatus, Status, Verdict

BAD = (Status.REGRESSION, Status.IMPROVED, Status.ERROR, Status.UNMEASURED)


@dataclass(frozen=True, kw_only=True)
class Turn:
    """``new`` where the first bad night is the newest one."""

    verdict: Verdict
    good: Record
    bad: Record
    new: bool


def turn(verdict: Verdict, records: Iterable[Record], recipe: Recipe, baseline: Baseline) -> Turn | None:
    """``records`` are all stored runs of the verdict's cell, oldest first.  None where it was never good.

    Its nights are judged again by today's baseline, from the newest back until one passes.  Where none
    passes, the newest night that was not bad is the last good one: undecided is what one seed often is.
    """
    if verdict.status not in BAD:
        return None
    first_bad: list[Record] | None = None
    last_open: list[Record] | None = None  # neither bad nor passed, before the first bad night
    last_good: list[Record] | None = None
    bad_nights = 0
    for runs in reversed(_nights(records).values()):
        status = _status(verdict, runs, recipe, baseline)
        if status is Status.PASS:
            last_good = runs
            break
        if status in BAD:
            first_bad, last_open, bad_nights = runs, None, bad_nights + 1
        elif status is not Status.INVALID:
            last_open = last_open or runs
    last_good = last_good or last_open
    if first_bad is None or last_good is None:
        return None
    good = [run for run in last_good if run.status is RunStatus.FINISHED] or last_good
    bad = [run for run in first_bad if run.status is not RunStatus.FINISHED] or first_bad
    return Turn(verdict=verdict, good=like(bad[0], good), bad=bad[0], new=bad_nights == 1)


def turned_at(trend: Trend, index: int, records: Iterable[Record]) -> tuple[Record, Record] | None:
    """The runs on both sides of a change point of ``trend``."""
    before, after = _of_night(trend, index - 1, records), _of_night(trend, index, records)
    return (like(after[0], before), after[0]) if before and after else None


def like(run: Record, others: Sequence[Record]) -> Record:
    """The one of the same seed, else the last."""
    return next((other for other in reversed(others) if other.job.seed == run.job.seed), others[-1])


def _nights(records: Iterable[Record]) -> dict[str, list[Record]]:
    """By the night that they were made for, else by their day."""
    nights: dict[str, list[Record]] = {}
    for record in records:
        nights.setdefault(record.night or record.id[:8], []).append(record)
    return nights


def _status(verdict: Verdict, runs: Sequence[Record], recipe: Recipe, baseline: Baseline) -> Status | None:
    """What today's baseline says of these runs about the same cell, metric and reference."""
    judged = judge(newest_runs(runs), recipe, baseline)
    same = [each for each in judged if each.metric == verdict.metric]
    return next((each.status for each in same if key(each) == key(verdict)), same[0].status if same else None)


def _of_night(trend: Trend, index: int, records: Iterable[Record]) -> list[Record]:
    return [
        record
        for record in records
        if record.id.startswith(trend.nights[index].replace("-", ""))
        and (record.job.recipe, record.job.environment) == (trend.recipe, trend.environment)
        and record.machine is not None
        and record.machine.machine_class == trend.machine_class
        and record.status is RunStatus.FINISHED
    ]
