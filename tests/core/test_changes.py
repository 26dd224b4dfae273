from __future__ import annotations

from dataclasses import replace

from harness.core.changes import changed, key, said
from harness.core.judge import judge
from harness.core.values import Baseline, Verdict
from tests.core.examples import accuracy_recipe, record, reference

SEEDS = (0.960, 0.956, 0.962, 0.960, 0.965, 0.958, 0.963, 0.964, 0.964, 0.957)


def verdict(value: float = 0.961, margin: float = 0.02, center: float = 0.0) -> Verdict:
    recipe = accuracy_recipe()
    recipe = replace(recipe, metrics=(replace(recipe.metrics[0], margin=margin),))
    ours = reference(values=tuple(seed + center for seed in SEEDS))
    (made,) = judge([record(metrics={"top1": value})], recipe, Baseline(model="toy", references=(ours,)))
    return made


def test_nothing_changed_where_the_status_is_the_same() -> None:
    before = {key(verdict()): said(verdict(), "m")}
    assert changed([verdict()], before, "m") == ()


def test_a_narrower_tolerance_is_named_as_the_reason() -> None:
    before = {key(verdict()): said(verdict(), "m")}
    (change,) = changed([verdict(margin=0.001)], before, "m")
    assert change.before == "PASS"
    assert change.reasons == ("the tolerance was ±2.00 pp, is ±0.10 pp",)


def test_a_changed_baseline_and_changed_statistics_are_named() -> None:
    before = {key(verdict()): said(verdict(), "old")}
    (change,) = changed([verdict(center=0.03)], before, "new")
    assert change.reasons == ("the reference was 96.09 %, is 99.09 %", "the code that decides was changed")


def test_a_cell_that_is_new_says_so() -> None:
    (change,) = changed([verdict()], {}, "m")
    assert change.before is None
