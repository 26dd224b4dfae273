"""The levels against published tables of group-sequential boundaries."""

from __future__ import annotations

import numpy
import pytest
from scipy.special import ndtri

from harness.statistics.sequential import OBRIEN_FLEMING, POCOCK, SPEED_LOOKS, nominal_level


@pytest.mark.parametrize(
    ("looks", "pocock", "final"), [(2, 2.178, 1.977), (3, 2.289, 2.004), (5, 2.413, 2.040), (10, 2.555, 2.087)]
)
def test_the_boundaries_equal_jennison_and_turnbulls(looks: int, pocock: float, final: float) -> None:
    """Jennison & Turnbull 2000, tables 2.1 and 2.3: two-sided 5 %, equally spaced; one side has half of it."""
    counts = tuple(range(1, looks + 1))
    found = [-ndtri(nominal_level(count, looks=counts, alpha=0.025, shape=POCOCK)) for count in counts]
    assert found == pytest.approx([pocock] * looks, abs=2e-3)
    last = -ndtri(nominal_level(looks, looks=counts, alpha=0.025, shape=OBRIEN_FLEMING))
    assert last == pytest.approx(final, abs=2e-3)


def test_the_looks_together_spend_the_level() -> None:
    rng = numpy.random.default_rng(1)
    sums = rng.standard_normal((400_000, SPEED_LOOKS[-1])).cumsum(axis=1)
    crossed = numpy.zeros(len(sums), dtype=bool)
    for look in SPEED_LOOKS:
        bound = -ndtri(nominal_level(look, looks=SPEED_LOOKS, alpha=0.01))
        crossed |= sums[:, look - 1] / look**0.5 > bound
    assert crossed.mean() == pytest.approx(0.01, abs=5 * (0.01 / len(sums)) ** 0.5)


def test_a_count_between_the_looks_has_a_level_between() -> None:
    levels = [nominal_level(count, looks=SPEED_LOOKS, alpha=0.01, shape=0.25) for count in (6, 7, 8, 12, 20)]
    assert levels == sorted(levels)
    assert levels[-1] == levels[-2]
