"""How long a decision takes: ``pytest benchmarks --benchmark-enable``.  Target: 20 ms; 10,000 cells in 60 s."""

from __future__ import annotations

import numpy
from pytest_benchmark.fixture import BenchmarkFixture

from harness.statistics import RawRuns, change_points, judge_accuracy, judge_speed, judge_speed_paired

RNG = numpy.random.default_rng(1)
RATIOS = RNG.normal(0.025, 0.021, 12)  # undecided for long, so that ``needs`` is forecast too
HISTORY = RNG.normal(0.0, 0.021, 24).tolist()
NIGHTS = numpy.exp(RNG.normal(0.0, 0.015, 60) - 0.05 * (numpy.arange(60) >= 36)).tolist()


def test_judge_accuracy(benchmark: BenchmarkFixture) -> None:
    reference = RawRuns((0.960, 0.956, 0.962, 0.960, 0.965))
    benchmark(judge_accuracy, [0.957, 0.963, 0.958], reference=reference)


def test_judge_speed_paired(benchmark: BenchmarkFixture) -> None:
    benchmark(judge_speed_paired, [1.0] * 6, numpy.exp(RATIOS[:6]).tolist(), history=HISTORY)


def test_judge_speed(benchmark: BenchmarkFixture) -> None:
    benchmark(judge_speed, numpy.exp(RATIOS[6:] - 0.025).tolist(), numpy.exp(RATIOS[:6]).tolist())


def test_change_points_of_sixty_nights(benchmark: BenchmarkFixture) -> None:
    benchmark(change_points, NIGHTS)
