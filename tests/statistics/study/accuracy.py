"""How often the decision on accuracies is right, beside the rules of others.

The harness judges after 1, 2, 3, 5, 8 and 10 seeds and stops at its first decision; the peers judge once.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy
from numpy.typing import NDArray
from scipy import stats

from harness.statistics import Evidence, MeanSpread, RawRuns, Single, Spread, judge_accuracy
from harness.statistics.seeds_ahead import LATER
from harness.statistics.sequential import ACCURACY_LOOKS
from tests.statistics.study.bound import fewest_seeds
from tests.statistics.study.row import Row, row_of, share

Runs = NDArray[numpy.float64]
Noise = Callable[[numpy.random.Generator, tuple[int, ...]], Runs]
Refer = Callable[[Runs], RawRuns | MeanSpread | Single]
Alarm = Callable[[Runs, Runs], bool]

CASES = 4000
STD = 0.003  # of one run: 0.3 percentage points, as image classifiers differ between seeds
LEVEL = 0.93
MAX = ACCURACY_LOOKS[-1]


# Noise of mean 0 and standard deviation 1.


def normal(rng: numpy.random.Generator, shape: tuple[int, ...]) -> Runs:
    return rng.standard_normal(shape)


def student_t(rng: numpy.random.Generator, shape: tuple[int, ...]) -> Runs:
    """Three degrees of freedom."""
    return rng.standard_t(3, shape) / 3**0.5


def skewed(rng: numpy.random.Generator, shape: tuple[int, ...]) -> Runs:
    """A long tail of bad seeds: a mirrored gamma variable of shape 2, skewness -1.4."""
    return numpy.asarray((2 - rng.gamma(2.0, size=shape)) / 2**0.5)


def two_mode(rng: numpy.random.Generator, shape: tuple[int, ...]) -> Runs:
    """A quarter of the seeds ends five of their standard deviations lower."""
    raw = 0.4 * rng.standard_normal(shape) - 2.0 * (rng.random(shape) < 0.25)
    return numpy.asarray((raw + 0.5) / (0.16 + 4 * 0.25 * 0.75) ** 0.5)


def steps(rng: numpy.random.Generator, shape: tuple[int, ...]) -> Runs:
    """360 test images: the accuracy moves in steps of 0.93 standard deviations, on a random place of the grid."""
    grid = 1 / 360 / STD
    place = rng.random((shape[0], *[1] * (len(shape) - 1)))
    return numpy.asarray(grid * numpy.round(rng.standard_normal(shape) / grid + place) - grid * place)


# Peers: whether the candidate is called worse.


def fixed_band(_: Runs, candidate: Runs, reference: float = LEVEL) -> bool:
    """One seed more than half a percentage point below the reference."""
    return bool(candidate[0] < reference - 0.005)


def two_deviations(baseline: Runs, candidate: Runs) -> bool:
    """One seed below mean - 2 sample standard deviations."""
    return bool(candidate[0] < baseline.mean() - 2 * baseline.std(ddof=1))


def pooled_t(baseline: Runs, candidate: Runs) -> bool:
    """One seed, one-sided t test with the baseline's spread at 1 %."""
    error = baseline.std(ddof=1) * (1 + 1 / len(baseline)) ** 0.5
    return bool(candidate[0] - baseline.mean() < error * stats.t.ppf(0.01, len(baseline) - 1))


def mlperf_rcp(baseline: Runs, candidate: Runs) -> bool:
    """MLPerf's reference convergence points: converging *faster* is suspect, in five runs.

    The means without best and worst are compared by a one-sided pooled t test at 5 % with the
    reference's spread for both (mlcommons/logging, rcp_checker.py).  More is better here.
    """
    kept, submitted = numpy.sort(baseline)[1:-1], numpy.sort(candidate[:5])[1:-1]
    n, k = len(kept), len(submitted)
    limit = stats.t.ppf(0.95, n + k - 2) * kept.std() * (1 / n + 1 / k) ** 0.5
    return bool(submitted.mean() > kept.mean() + limit)


def published_band(baseline: Runs, candidate: Runs) -> bool:
    """One seed below the worst published run."""
    return bool(candidate[0] < baseline.min())


PEERS: dict[str, tuple[Alarm, str]] = {
    "band ±0.5 pp": (fixed_band, "1 seed"),
    "mean - 2 std": (two_deviations, "1 seed"),
    "pooled t 1 %": (pooled_t, "1 seed"),
    "MLPerf RCP": (mlperf_rcp, "5 seeds; faster is suspect"),
    "min of runs": (published_band, "1 seed"),
}


class Ending(NamedTuple):
    decision: str
    runs: int


def follow(
    runs: Runs, reference: RawRuns | MeanSpread | Single, *, margin: float | None = None, **known: Spread | bool
) -> Ending:
    """The first decision that is not inconclusive, and after how many seeds."""
    for look in ACCURACY_LOOKS:
        decision = judge_accuracy(runs[:look].tolist(), reference=reference, margin=margin, **known).decision  # type: ignore[arg-type]
        if decision != "inconclusive":
            return Ending(decision, look)
    return Ending("inconclusive", MAX)


def rows(scale: float) -> list[Row]:
    """The whole study with ``scale`` times the full number of cases."""
    cases = max(int(CASES * scale), 20)
    return [
        *_unchanged(cases),
        *_worse(cases),
        *_published(cases),
        *_at_the_margin(cases),
        *_other_noise(cases),
        *_real_seeds(cases),
        *_needs(cases),
        *_seconds(),
    ]


def _endings(
    cases: int,
    seed: int,
    n: int,
    *,
    noise: Noise = normal,
    lower: float = 0.0,
    margin: float | None = None,
    refer: Refer | None = None,
    known: float | None = None,
    known_df: int = 0,
) -> list[Ending]:
    """Sequences of a candidate that is ``lower`` (in deviations) than a baseline of n runs.

    ``refer`` publishes the baseline; ``known_df`` degrees of freedom of the spread are known from earlier
    runs, ``known`` times their true one (None: 1); ``margin`` in deviations.
    """
    rng = numpy.random.default_rng(seed)
    baselines = LEVEL + STD * noise(rng, (cases, n + MAX))
    factor = 1.0 if known is None else known
    stds = STD * factor * numpy.sqrt(rng.chisquare(max(known_df, 1), cases) / max(known_df, 1))
    return [
        follow(
            runs[n:] - lower * STD,
            refer(runs[:n]) if refer else RawRuns(tuple(runs[:n])),
            margin=None if margin is None else margin * STD,
            **({"spread": Spread(std=float(std), df=known_df)} if known_df else {}),
        )
        for runs, std in zip(baselines, stds, strict=True)
    ]


def _share(
    question: str,
    figure: str,
    endings: Sequence[Ending],
    *decisions: str,
    rule: str = "harness",
    at_most: float | None = None,
    at_least: float | None = None,
) -> Row:
    hits = sum(ending.decision in decisions for ending in endings)
    return _counted(question, figure, rule, hits, len(endings), at_most=at_most, at_least=at_least)


def _counted(
    question: str,
    figure: str,
    rule: str,
    hits: int,
    cases: int,
    at_most: float | None = None,
    at_least: float | None = None,
) -> Row:
    return row_of(question, figure, rule, share(hits, cases), cases, at_most, at_least)


def _seeds(question: str, endings: Sequence[Ending], at_most: float | None = None) -> Row:
    counts = numpy.array([ending.runs for ending in endings], dtype=float)
    error = 1.96 * counts.std(ddof=1) / len(counts) ** 0.5
    mean = float(counts.mean())
    return Row(
        question=question,
        figure="seeds on average",
        rule="harness",
        value=mean,
        low=mean - error,
        high=mean + error,
        cases=len(counts),
        at_most=at_most,
    )


def _peers(question: str, figure: str, cases: int, seed: int, n: int, lower: float) -> Iterator[Row]:
    rng = numpy.random.default_rng(seed)
    runs = LEVEL + STD * rng.standard_normal((cases, n + MAX))
    runs[:, n:] -= lower * STD
    for name, (alarm, told) in PEERS.items():
        hits = sum(alarm(case[:n], case[n:]) for case in runs)
        yield _counted(question, figure, f"{name} ({told})", hits, cases)


def _unchanged(cases: int) -> Iterator[Row]:
    for n, margin, seed in ((5, None, 2101), (5, 4.0, 2102), (10, None, 2103)):
        endings = _endings(cases, seed, n, margin=margin)
        question = f"accuracy, baseline of {n} seeds, no change, margin {margin or 'None (2)'} std"
        yield _share(question, "regression", endings, "regression", at_most=0.01)
        yield _share(question, "regression or improved", endings, "regression", "improved", at_most=0.01)
        yield _share(question, "pass", endings, "pass")
        yield _seeds(question, endings)
    yield from _peers("accuracy, baseline of 5 seeds, no change", "alarm", cases, 2104, 5, 0.0)


def _worse(cases: int) -> Iterator[Row]:
    question = "accuracy, 3 std lower, baseline of 5"
    endings = _endings(cases, 2201, 5, lower=3.0)
    yield _share(question, "caught", endings, "regression", at_least=0.98)
    yield _seeds(question, endings, at_most=3.5)  # missed by every test: see the next row
    yield _any_test(question, cases)
    yield _share(question, "pass", endings, "pass")
    yield from _peers(question, "caught", cases, 2202, 5, 3.0)
    question = "accuracy, 3 std lower, baseline of 5, spread known from 20 earlier runs"
    endings = _endings(cases, 2203, 5, lower=3.0, known_df=19)
    yield _share(question, "caught", endings, "regression", at_least=0.98)
    yield _seeds(question, endings, at_most=3.5)
    question = "accuracy, 2 std lower, baseline of 10"
    endings = _endings(cases, 2204, 10, lower=2.0)
    yield _share(question, "caught", endings, "regression", at_least=0.85)
    yield _seeds(question, endings)
    yield _share(
        "accuracy, 3 std higher, baseline of 10", "improved", _endings(cases, 2205, 10, lower=-3.0), "improved"
    )


def _any_test(question: str, cases: int) -> Row:
    paths = max(100 * cases, 20_000)
    least = fewest_seeds(
        baseline=5, lower=3.0, looks=ACCURACY_LOOKS, false_alarms=0.01, missed=0.02, paths=paths, seed=2206
    )
    return row_of(question, "seeds on average", "any test, at least", (least, least, least), paths)


def _mean_spread(kind: str) -> Refer:
    """The baseline as a table would print it."""

    def refer(runs: Runs) -> MeanSpread:
        std = {
            "sample": runs.std(ddof=1),
            "population": runs.std(),
            "standard error": runs.std(ddof=1) / len(runs) ** 0.5,
        }[kind]
        return MeanSpread(mean=float(runs.mean()), std=float(std), n=len(runs), std_kind=kind)  # type: ignore[arg-type]

    return refer


def _best(runs: Runs) -> Single:
    return Single(float(runs.max()), of="best", n=len(runs))


def _first(runs: Runs) -> Single:
    return Single(float(runs[0]))


def _mean(runs: Runs) -> Single:
    """What a table prints that tells how many runs, and no spread."""
    return Single(float(runs.mean()), of="mean", n=len(runs))


def _published(cases: int) -> Iterator[Row]:
    figure = "falsely not reproduced"
    change = ("regression", "improved")
    for kind in ("sample", "population", "standard error"):
        question = f"published mean ± {kind} of 5"
        yield _share(question, figure, _endings(cases, 2301, 5, refer=_mean_spread(kind)), *change, at_most=0.015)
    kinds = (("best of 5", _best, 5), ("one number", _first, 1), ("mean of 100 without spread", _mean, 100))
    for name, refer, n in kinds:
        for df in (0, 9):
            question = f"published {name}, spread {'of 10 earlier runs' if df else 'from our own seeds'}"
            endings = _endings(cases, 2302 + df, n, refer=refer, known_df=df, margin=4.0)
            yield _share(question, figure, endings, *change, at_most=0.02)
            yield _share(question, "pass", endings, "pass")
            lower = _endings(cases, 2352 + df, n, refer=refer, known_df=df, margin=4.0, lower=6.0)
            yield _share(f"{question}, 6 std lower", "caught", lower, "regression")
    rng = numpy.random.default_rng(2303)
    runs = LEVEL + STD * rng.standard_normal((cases, 5 + MAX))
    naive = sum(_naive_mean(case[:5], case[5:10]) for case in runs)
    yield _counted("published mean ± sample of 5", figure, "z with the published std as true (5 seeds)", naive, cases)
    naive = sum(bool(stats.ttest_1samp(case[5:10], case[:5].max()).pvalue < 0.01) for case in runs)
    yield _counted("published best of 5, spread from our own seeds", figure, "one-sample t 1 % (5 seeds)", naive, cases)


def _naive_mean(baseline: Runs, candidate: Runs) -> bool:
    error = baseline.std(ddof=1) * (1 / len(baseline) + 1 / len(candidate)) ** 0.5
    return bool(abs(candidate.mean() - baseline.mean()) > error * stats.norm.ppf(0.995))


def _at_the_margin(cases: int) -> Iterator[Row]:
    for n, margin, lower in ((5, None, 2.0), (5, 2.0, 2.0), (5, 4.0, 4.0), (10, None, -2.0), (10, 3.0, -3.0)):
        question = f"accuracy, {lower:g} std lower, margin {margin or 'None (2)'} std, baseline of {n}"
        endings = _endings(cases, 2401 + n, n, lower=lower, margin=margin)
        yield _share(question, "false pass", endings, "pass", at_most=0.05)
    for name, refer, n in (("best of 5", _best, 5), ("mean of 100 without spread", _mean, 100)):
        question = f"published {name}, 4 std lower, margin 4 std"
        endings = _endings(cases, 2407 + n, n, refer=refer, lower=4.0, margin=4.0)
        yield _share(question, "false pass", endings, "pass", at_most=0.05)
    for factor in (1.0, 0.67, 1.5):
        question = f"accuracy, spread of 10 earlier runs told {factor:g} times the true one, baseline of 5"
        endings = _endings(cases, 2420, 5, known=factor, known_df=9, margin=3.0)
        yield _share(question, "regression or improved", endings, "regression", "improved")
        endings = _endings(cases, 2421, 5, known=factor, known_df=9, margin=3.0, lower=3.0)
        yield _share(question, "false pass at the margin of 3 std", endings, "pass")


def _other_noise(cases: int) -> Iterator[Row]:
    """Not normal: nothing was calibrated on these."""
    for noise in (student_t, skewed, two_mode, steps):
        for n, margin in ((5, None), (10, 4.0)):
            question = f"accuracy, {noise.__name__} seeds, baseline of {n}, margin {margin or 'None (2)'} std"
            endings = _endings(cases, 2500 + n, n, noise=noise, margin=margin)
            yield _share(question, "regression or improved", endings, "regression", "improved")
            lower = _endings(cases, 2530 + n, n, noise=noise, margin=margin, lower=3.0 if margin is None else 5.0)
            yield _share(f"{question}, {3 if margin is None else 5} std lower", "caught", lower, "regression")
            yield _share(f"{question}, {3 if margin is None else 5} std lower", "false pass", lower, "pass")


def real_seeds() -> dict[str, list[tuple[bool, Runs]]]:
    """source: (higher is better, runs of one cell) of published lists of every seed.

    ucr: test accuracies of hfawaz/dl-4-tsc@e0233efd results/; mlperf: epochs or samples to the target
    quality of mlcommons/logging@7bbf7926 rcp_checker/.
    """
    found: dict[str, list[tuple[bool, Runs]]] = {}
    with Path(__file__).with_name("seeds.csv").open(encoding="utf-8") as lines:
        for line in csv.DictReader(lines):
            runs = numpy.array(line["values"].split(), dtype=float)
            found.setdefault(line["source"], []).append((line["better"] == "higher", runs))
    return found


def _real_seeds(cases: int) -> Iterator[Row]:
    """One cell's runs in random order: the first ones are the baseline, the others the candidate."""
    for source, cells in real_seeds().items():
        rng = numpy.random.default_rng(2600)
        usable = [(higher, runs) for higher, runs in cells if len(runs) >= 10]
        endings, alarms, total = [], dict.fromkeys(PEERS, 0), 0
        for round_ in range(max(cases // len(usable), 1)):
            for higher, runs in usable:
                mixed = rng.permutation(runs)
                n = 5 if len(runs) < 20 or round_ % 2 else 10
                endings.append(follow(mixed[n:], RawRuns(tuple(mixed[:n])), higher_is_better=higher))
                total += 1
                turned = mixed if higher else -mixed
                for name, (alarm, _) in PEERS.items():
                    alarms[name] += alarm is not fixed_band and alarm(turned[:n], turned[n:])
        question = f"real seeds ({source}), split in two"
        yield _share(question, "regression or improved", endings, "regression", "improved")
        yield _share(question, "regression", endings, "regression")
        yield _share(question, "pass", endings, "pass")
        for name, hits in alarms.items():
            if name != "band ±0.5 pp":
                yield _counted(question, "alarm", f"{name} ({PEERS[name][1]})", hits, total)


def _needs(cases: int) -> Iterator[Row]:
    """Predicted when first undecided, against what it then took with looks beyond 10 too."""
    hits = total = 0
    for n, margin, lower in (
        (5, None, 0.0),
        (5, None, 3.0),
        (5, 3.0, 0.0),
        (5, 3.0, 3.0),
        (10, None, 0.0),
        (10, None, 2.0),
    ):
        rng = numpy.random.default_rng(2700 + n)
        right = asked = 0
        for runs in LEVEL + STD * rng.standard_normal((cases // 4, n + LATER[-1])):
            band = None if margin is None else margin * STD
            found = _predicted(runs[n:] - lower * STD, RawRuns(tuple(runs[:n])), band)
            if found is not None:
                predicted, taken = found
                asked += 1
                right += predicted is not None and predicted <= 2 * taken and taken <= 2 * predicted
        question = f"needs: {lower:g} std lower, margin {margin or 'None (2)'} std, baseline of {n}"
        yield _counted(question, "within a factor 2", "harness", right, max(asked, 1))
        hits, total = hits + right, total + asked
    yield _counted("needs, all of these", "within a factor 2", "harness", hits, total, at_least=0.8)


def _predicted(runs: Runs, reference: RawRuns, margin: float | None) -> tuple[int | None, float] | None:
    first: tuple[int, Evidence] | None = None
    for look in (*ACCURACY_LOOKS, *LATER):
        evidence = judge_accuracy(runs[:look].tolist(), reference=reference, margin=margin)
        if evidence.decision != "inconclusive":
            return None if first is None else (first[1].needs, look - first[0])
        first = first or (look, evidence)
    return (first[1].needs, numpy.inf) if first else None


def _seconds() -> Iterator[Row]:
    rng = numpy.random.default_rng(2801)
    taken = []
    for runs in LEVEL + STD * rng.standard_normal((200, 8)):
        start = time.perf_counter()
        judge_accuracy(runs[5:].tolist(), reference=RawRuns(tuple(runs[:5])))
        taken.append(1000 * (time.perf_counter() - start))
    low, middle, high = (float(numpy.quantile(taken[1:], part)) for part in (0.025, 0.5, 0.975))
    yield Row(
        question="accuracy, one decision",
        figure="milliseconds, median",
        rule="harness",
        value=middle,
        low=low,
        high=high,
        cases=len(taken) - 1,
        at_most=20.0,
    )
