"""Change points in histories: 60 simulated nights, and real series with their maintainers' marks.

A change found within 3 nights of the true one is a hit (the Turing benchmark allows 5: van den Burg &
Williams 2020), each true change counts once, everything else found is a false one.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy

from harness.statistics import change_points, drift
from tests.statistics.study import history_peers, noise
from tests.statistics.study.row import Row, row_of, share

NIGHTS = 60
TOLERANCE = 3
CASES, PEER_CASES = 1000, 200
SIZE = 0.05

Rule = Callable[[Sequence[float]], list[int]]


def harness(values: Sequence[float]) -> list[int]:
    return [point.index for point in change_points(values)]


RULES: dict[str, Rule] = {
    "harness": harness,
    "otava": history_peers.otava,
    "mongodb e-divisive": history_peers.mongodb,
    "asv": history_peers.asv,
    "torchbench 7 %": history_peers.torchbench,
}


def bad_nights(rng: numpy.random.Generator, shape: tuple[int, int]) -> noise.Logs:
    """Typical, and 8 % of the nights are slower by 5 to 35 %."""
    return noise.typical(rng, shape) + (rng.random(shape) < 0.08) * rng.uniform(0.05, 0.35, shape)


def creeping(rng: numpy.random.Generator, shape: tuple[int, int]) -> noise.Logs:
    """Typical, and 0.05 % slower every night: 3 % in 60 nights, no step."""
    return noise.typical(rng, shape) + 0.0005 * numpy.arange(shape[1])


class Kind(NamedTuple):
    model: noise.Model
    least_f1: float | None = None
    most_alarmed: float | None = None


KINDS = {
    "typical": Kind(noise.typical, 0.95, 0.07),
    "single bad nights": Kind(bad_nights, 0.95, 0.07),
    "two modes": Kind(noise.two_mode, 0.95, 0.07),
    "Student-t": Kind(noise.student_t, 0.95, 0.07),
    "skewed": Kind(noise.gamma, 0.95, 0.07),
    "autocorrelated 0.6": Kind(noise.autocorrelated, None, None),
    "creeping 0.05 % a night": Kind(creeping, None, None),
    "drifting 0.5 % a night": Kind(noise.drifting, None, 0.07),
}


class Count(NamedTuple):
    hits: int
    missed: int
    false: int

    def plus(self, other: Count) -> Count:
        return Count(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def compared(found: Sequence[int], true: Sequence[int]) -> Count:
    """Each true change is hit by at most one found within TOLERANCE, the nearest first."""
    pairs = sorted((abs(f - t), f, t) for f in found for t in true if abs(f - t) <= TOLERANCE)
    hit: set[int] = set()
    used: set[int] = set()
    for _, f, t in pairs:
        if f not in used and t not in hit:
            used.add(f)
            hit.add(t)
    return Count(len(hit), len(true) - len(hit), len(found) - len(hit))


def rows(scale: float) -> list[Row]:
    return [*simulated(scale), *real(), *intervals(scale), *drifts(scale), *duration(scale)]


def simulated(scale: float, rules: Sequence[str] = tuple(RULES)) -> list[Row]:
    found = []
    for name, kind in KINDS.items():
        for rule in rules:
            ours = rule == "harness"
            cases = max(int((CASES if ours else PEER_CASES) * scale), 20)
            alarmed, count = _measured(kind.model, RULES[rule], cases)
            total = count.hits + (count.false + count.missed) / 2
            f1 = share(count.hits, max(round(total), count.hits, 1))
            question = f"60 nights, {name}"
            found.append(_row(question, "F1, 5 % change", rule, f1, cases, at_least=kind.least_f1 if ours else None))
            quiet = share(alarmed, cases)
            most = kind.most_alarmed if ours else None
            found.append(_row(question, "unchanged, alarmed", rule, quiet, cases, at_most=most))
    return found


def _measured(model: noise.Model, rule: Rule, cases: int) -> tuple[int, Count]:
    """(unchanged histories with an alarm, count over as many with a change of 5 % up or down in nights 10 to 50)."""
    rng = numpy.random.default_rng(60)
    quiet, moved = model(rng, (cases, NIGHTS)), model(rng, (cases, NIGHTS))
    when = rng.integers(10, 51, cases)
    moved += numpy.where(numpy.arange(NIGHTS) >= when[:, None], math.log1p(SIZE), 0.0) * rng.choice((-1, 1), (cases, 1))
    alarmed = sum(bool(rule(series)) for series in numpy.exp(quiet))
    count = Count(0, 0, 0)
    for series, night in zip(numpy.exp(moved), when, strict=True):
        count = count.plus(compared(rule(series), [int(night)]))
    return alarmed, count


def intervals(scale: float) -> list[Row]:
    """How often the change lies within low to high, and its size within its interval, where one was found."""
    cases = max(int(CASES * scale), 20)
    rng = numpy.random.default_rng(61)
    found = []
    for name, kind in list(KINDS.items())[:2]:
        logs = kind.model(rng, (cases, NIGHTS))
        when = rng.integers(10, 51, cases)
        logs += numpy.where(numpy.arange(NIGHTS) >= when[:, None], math.log1p(SIZE), 0.0)
        points = [(change_points(series), int(night)) for series, night in zip(numpy.exp(logs), when, strict=True)]
        single = [(point[0], night) for point, night in points if len(point) == 1]
        where = sum(point.low <= night <= point.high for point, night in single)
        size = sum(point.effect_low <= SIZE <= point.effect_high for point, _ in single)
        question = f"60 nights, {name}"
        least = 0.95
        found.append(
            _row(question, "the change within its nights", "harness", share(where, len(single)), cases, at_least=least)
        )
        found.append(
            _row(question, "the size within its interval", "harness", share(size, len(single)), cases, at_least=least)
        )
    return found


def drifts(scale: float) -> list[Row]:
    cases = max(int(CASES * scale / 4), 20)
    kinds: dict[str, tuple[noise.Model, float | None, float | None]] = {
        "typical": (noise.typical, None, 0.03),
        "single bad nights": (bad_nights, None, 0.03),
        "autocorrelated 0.6": (noise.autocorrelated, None, None),
        "creeping 0.05 % a night": (creeping, None, None),
        "drifting 0.5 % a night": (noise.drifting, 0.95, None),
    }
    found = []
    for name, (model, least, most) in kinds.items():
        series = numpy.exp(model(numpy.random.default_rng(62), (cases, NIGHTS)))
        shown = share(sum(drift(nights, reference=1.0) is not None for nights in series), cases)
        found.append(_row(f"60 nights, {name}", "a drift is told", "harness", shown, cases, least, most))
    return found


def duration(scale: float) -> list[Row]:
    """Milliseconds a decision, on this machine as it is."""
    found = []
    for nights, most in ((60, 6.0), (300, 20.0)):
        cases = max(int(200 * scale), 10)
        rng = numpy.random.default_rng(63)
        series = numpy.exp(noise.typical(rng, (cases, nights)) + 0.05 * (numpy.arange(nights) >= nights // 2))
        start = time.process_time()
        for values in series:
            change_points(values)
        spent = 1000 * (time.process_time() - start) / cases
        found.append(_row(f"{nights} nights", "ms a decision", "harness", (spent, spent, spent), cases, None, most))
    return found


class Series(NamedTuple):
    name: str
    values: tuple[float, ...]
    true: tuple[int, ...]  # where the maintainers mark a change


def real() -> list[Row]:
    """F1 and false changes per set, for every rule; empty without the data (see ``data_folder``)."""
    found = []
    for name, series in real_series().items():
        counts = {rule: _over(compared(find(one.values), one.true) for one in series) for rule, find in RULES.items()}
        for rule, count in counts.items():
            total = count.hits + (count.false + count.missed) / 2
            f1 = count.hits / total if total else math.nan
            marks = count.hits + count.missed
            found.append(_row(name, f"F1 of {marks} marks", rule, (f1, f1, f1), len(series)))
            wrong = float(count.false)
            found.append(_row(name, "false changes", rule, (wrong, wrong, wrong), len(series)))
    return found


def _over(counts: Iterable[Count]) -> Count:
    total = Count(0, 0, 0)
    for count in counts:
        total = total.plus(count)
    return total


@cache
def real_series() -> dict[str, tuple[Series, ...]]:
    folder = data_folder()
    if folder is None:
        return {}
    mongodb = json.loads((folder / "mongodb_spa" / "tests_data.json").read_text())
    tigerbeetle = json.loads((folder / "otava" / "tigerbeetle_series.json").read_text())[0]
    robust = tuple(mongodb["tests/data/robust_series.json"])
    once = (25, 64, 69, 114)  # four changes, as the maintainers count them; their own rule's nights
    again = tuple(173 + night for night in once)
    return {
        "MongoDB (signal-processing-algorithms)": (
            Series("robust_series", robust, once),
            # the series twice; they count 9: those of both and the seam
            Series("small", tuple(mongodb["tests/data/profiling/small.json"]["series"]), (*once, 173, *again)),
            Series("real_series", tuple(mongodb["tests/data/real_series.json"]), ()),  # two outliers, no change
        ),
        # tests/tigerbeetle_test.py marks these nights in its drawing; 10 is a single bad night
        "TigerBeetle (Otava), as drawn": (Series("drawn", tuple(tigerbeetle), (15, 61, 71, 95, 131, 142, 192, 212)),),
        # what Otava's test expects at p = 0.001 and a window of 30 (its default is 50)
        "TigerBeetle (Otava), as expected": (
            Series("expected", tuple(tigerbeetle), (15, 61, 71, 95, 117, 131, 142, 148, 192, 212, 260)),
        ),
        "Otava's small series": tuple(
            Series(name, values, true)
            for name, values, true in (
                ("series_1", (1.02, 0.95, 0.99, 1.0, 1.12, 0.9, 0.5, 0.51, 0.48, 0.48, 0.55), (6,)),
                ("series_2", (2.02, 2.03, 2.01, 2.04, 1.82, 1.85, 1.79, 1.81, 1.8, 1.76, 1.78), (4,)),
                ("series_3", (1.0,) * 5 + (5.0,) * 8 + (9.0,) * 8 + (3.0,) * 9, (5, 13, 21)),
                ("metric1", (154023, 138455, 143112, 149190, 132098, 151344, 155145, 148889, 149466, 148209), ()),
                ("metric2", (10.43, 10.23, 10.29, 10.91, 10.34, 10.69, 9.23, 9.11, 9.13, 9.03), (6,)),
            )
        ),
    }


def data_folder() -> Path | None:
    """The folder ``histories`` under a data root, or beside the repository; None where there is none."""
    roots = [Path(root) for root in os.environ.get("HARNESS_DATA_DIR", "").split(os.pathsep) if root]
    roots += [above / "shared" / "data" for above in Path(__file__).resolve().parents]
    return next((root / "histories" for root in roots if (root / "histories").is_dir()), None)


def _row(
    question: str,
    figure: str,
    rule: str,
    measured: tuple[float, float, float],
    cases: int,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Row:
    return row_of(question, figure, rule, measured, cases, at_most, at_least)
