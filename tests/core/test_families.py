from __future__ import annotations

from dataclasses import replace

from harness.core.families import hold_false_discoveries, told
from harness.core.judge import judge
from harness.core.values import Baseline, Status, Verdict
from harness.core.verdicts import exit_code
from tests.core.examples import accuracy_recipe, record, reference

SEEDS = (0.960, 0.956, 0.962, 0.960, 0.965, 0.958, 0.963, 0.964, 0.964, 0.957)


def verdict(status: Status, p: float | None) -> Verdict:
    baseline = Baseline(model="toy", references=(reference(values=SEEDS),))
    (made,) = judge([record(metrics={"top1": 0.961})], accuracy_recipe(), baseline)
    return replace(made, status=status, p=p)


def test_one_weak_alarm_among_many_cells_is_no_alarm_yet_and_no_pass() -> None:
    cells = [verdict(Status.REGRESSION, 0.004), *(verdict(Status.PASS, 0.5) for _ in range(99))]
    held = hold_false_discoveries(cells)
    assert held[0].status is Status.INCONCLUSIVE
    assert "among 100 cells" in held[0].sentence
    assert exit_code(held) == 4
    assert "100 cells" in told(held)


def test_a_strong_alarm_stands_among_many_cells() -> None:
    cells = [verdict(Status.REGRESSION, 1e-6), *(verdict(Status.PASS, 0.5) for _ in range(99))]
    assert hold_false_discoveries(cells)[0].status is Status.REGRESSION


def test_an_alarm_alone_stands() -> None:
    assert hold_false_discoveries([verdict(Status.REGRESSION, 0.009)])[0].status is Status.REGRESSION


def test_what_was_not_tested_is_left_as_it_is() -> None:
    cells = (verdict(Status.ERROR, None), verdict(Status.NO_BASELINE, None))
    assert hold_false_discoveries(cells) == cells


def test_every_judged_accuracy_says_how_strong_its_evidence_is() -> None:
    baseline = Baseline(model="toy", references=(reference(values=SEEDS),))
    (bad,) = judge([record(metrics={"top1": 0.80})], accuracy_recipe(), baseline)
    (good,) = judge([record(metrics={"top1": 0.961})], accuracy_recipe(), baseline)
    assert bad.p is not None
    assert good.p is not None
    assert bad.p < 0.01 < good.p <= 1
