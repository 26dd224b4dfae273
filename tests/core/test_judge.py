from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from harness.core.judge import judge, known_spread
from harness.core.values import Baseline, Record, Reference, RunStatus, Status, Verdict
from harness.core.verdicts import exit_code
from tests.core.examples import MACHINE, QUIET, accuracy_recipe, record, reference, speed_recipe

SEEDS = (0.960, 0.956, 0.962, 0.960, 0.965, 0.958, 0.963, 0.964, 0.964, 0.957)


def verdict_of(values: list[float], *references: Reference, **changes: Any) -> Verdict:
    records = [record(seed=seed, metrics={"top1": value}, **changes) for seed, value in enumerate(values)]
    (verdict,) = judge(records, accuracy_recipe(), Baseline(model="toy", references=references))
    return verdict


def test_equal_runs_pass_with_the_band_they_were_held_to() -> None:
    verdict = verdict_of([0.961, 0.962], reference(values=SEEDS))
    assert verdict.status is Status.PASS
    assert verdict.margin == 0.02
    assert verdict.low is not None
    assert verdict.high is not None
    assert verdict.low < 0.9615 < verdict.high
    assert "reproduces" in verdict.sentence


def test_a_clear_loss_is_a_regression_and_exits_1() -> None:
    verdict = verdict_of([0.90, 0.91], reference(values=SEEDS))
    assert verdict.status is Status.REGRESSION
    assert exit_code([verdict]) == 1


def test_a_clear_gain_is_improved_not_pass() -> None:
    assert verdict_of([0.999, 0.999], reference(values=SEEDS)).status is Status.IMPROVED


def test_few_wild_runs_are_inconclusive_and_say_how_many_more() -> None:
    verdict = verdict_of([0.955], reference(values=(0.94, 0.96, 0.95)))
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.needs is not None
    assert exit_code([verdict]) == 4


def test_one_published_number_with_one_run_is_never_a_verdict() -> None:
    verdict = verdict_of([0.96], reference(value=0.96, kind="published"))
    assert verdict.status is Status.INCONCLUSIVE
    assert "a single number" in verdict.sentence


EXACT = reference(value=0.96, kind="published", of="exact", seeds=(0,), margin=0.00005)


def test_the_published_seed_must_come_to_the_published_digits() -> None:
    verdict = verdict_of([0.96004], EXACT)
    assert (verdict.status, verdict.n) == (Status.PASS, 1)
    assert "(exactly, by seed 0)" in verdict.sentence


@pytest.mark.parametrize(("value", "status"), [(0.9599, Status.REGRESSION), (0.9601, Status.IMPROVED)])
def test_other_digits_from_the_published_seed_are_an_alarm(value: float, status: Status) -> None:
    verdict = verdict_of([value], EXACT)
    assert verdict.status is status
    assert "another number" in verdict.sentence


def test_other_seeds_say_nothing_about_an_exact_number() -> None:
    assert verdict_of([0.96, 0.5], EXACT).status is Status.PASS
    other = record(seed=1, metrics={"top1": 0.96})
    (verdict,) = judge([other], accuracy_recipe(), Baseline(model="toy", references=(EXACT,)))
    assert verdict.status is Status.NO_BASELINE
    assert "seed 0" in verdict.sentence


ENDED = reference(values=SEEDS[:3], seeds=(0, 1, 2), weights=("aa", "bb", "cc"), date="2026-11-25")


def ending(seed: int, weights: str, value: float) -> Verdict:
    run = record(seed=seed, metrics={"top1": value}, digests={"weights_final": weights})
    (verdict,) = judge([run], accuracy_recipe(), Baseline(model="toy", references=(ENDED,)))
    return verdict


def test_the_recorded_weights_again_are_a_pass_after_one_run() -> None:
    verdict = ending(1, "bb", SEEDS[1])
    assert (verdict.status, verdict.measured, verdict.margin) == (Status.PASS, SEEDS[1], 0.02)
    assert "seed 1 ends in the weights recorded on 2026-11-25, bit for bit" in verdict.sentence


@pytest.mark.parametrize(("seed", "weights", "value"), [(1, "aa", SEEDS[1]), (1, "bb", 0.5), (3, "bb", SEEDS[1])])
def test_other_weights_another_number_or_another_seed_are_left_to_the_statistics(
    seed: int, weights: str, value: float
) -> None:
    assert "bit for bit" not in ending(seed, weights, value).sentence


PUBLISHED = reference(values=SEEDS[5:], kind="published", margin=0.004)
EARLIER = reference(
    values=SEEDS[:5], kind="earlier", seeds=(0, 1, 2, 3, 4), weights=tuple("abcde"), framework="torch", reason="begun"
)
AGAIN = record(seed=0, metrics={"top1": SEEDS[0]}, digests={"weights_final": "a"})


def with_earlier(*runs: tuple[int, str, float]) -> Verdict:
    """Runs by seed, final weights and value against the published ones."""
    records = [record(seed=seed, metrics={"top1": top1}, digests={"weights_final": end}) for seed, end, top1 in runs]
    baseline = Baseline(model="toy", references=(PUBLISHED, EARLIER))
    (verdict,) = judge(records, accuracy_recipe(), baseline)
    return verdict


def test_earlier_runs_count_with_one_that_repeats_a_seed_of_theirs() -> None:
    verdict = with_earlier((1, "b", SEEDS[1]))
    assert (verdict.n, verdict.earlier_seeds) == (5, (0, 2, 3, 4))
    assert sorted(verdict.values) == sorted(SEEDS[:5])
    assert len(verdict.runs) == 1
    alone = verdict_of(list(SEEDS[:5]), PUBLISHED)
    assert (verdict.status, verdict.low, verdict.high) == (alone.status, alone.low, alone.high)
    assert "over 5 run(s), 4 of them earlier ones, a seed of which ends in the same weights again," in verdict.sentence


def test_earlier_runs_and_new_seeds_count_each_once() -> None:
    verdict = with_earlier((0, "a", SEEDS[0]), (7, "x", 0.961))
    assert (verdict.n, sorted(verdict.values)) == (6, sorted([*SEEDS[:5], 0.961]))


@pytest.mark.parametrize(
    "runs",
    [
        [(1, "x", SEEDS[1])],  # other weights
        [(1, "b", 0.957)],  # the same weights, another number
        [(7, "x", 0.961)],  # no seed of theirs
        [(0, "a", SEEDS[0]), (1, "x", SEEDS[1])],  # one seed again, another not
    ],
)
def test_earlier_runs_of_another_making_say_only_how_much_seeds_differ(runs: list[tuple[int, str, float]]) -> None:
    verdict = with_earlier(*runs)
    assert (verdict.n, verdict.earlier_seeds) == (len(runs), ())
    assert "earlier" not in verdict.sentence


def test_a_published_mean_of_many_runs_without_a_spread_can_be_reproduced() -> None:
    values = [0.96, 0.962, 0.958, 0.961, 0.959]
    verdict = verdict_of(values, reference(value=0.96, kind="published", of="mean", n=100))
    assert verdict.status is Status.PASS
    assert "(the mean of 100 runs)" in verdict.sentence


def test_a_dead_worker_is_an_error_not_a_regression() -> None:
    verdict = verdict_of([0.961], reference(values=SEEDS), status=RunStatus.CRASHED, reason="killed by signal 9")
    assert verdict.status is Status.ERROR
    assert exit_code([verdict]) == 3


def test_survivors_do_not_speak_for_the_dead() -> None:
    good = record(seed=0, metrics={"top1": 0.961})
    dead = record(seed=1, metrics={}, status=RunStatus.CRASHED, reason="killed by signal 9")
    (verdict,) = judge([good, dead], accuracy_recipe(), Baseline(model="toy", references=(reference(values=SEEDS),)))
    assert verdict.status is Status.ERROR
    assert "1 of 2" in verdict.sentence


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_unmeasured(value: float) -> None:
    assert verdict_of([value], reference(values=SEEDS)).status is Status.UNMEASURED


def test_a_missing_metric_is_unmeasured() -> None:
    runs = [record(metrics={"other": 1.0})]
    (verdict,) = judge(runs, accuracy_recipe(), Baseline(model="toy", references=(reference(values=SEEDS),)))
    assert verdict.status is Status.UNMEASURED
    assert exit_code([verdict]) == 3


def test_the_scatter_of_the_recipe_elsewhere_lets_one_run_decide() -> None:
    ours = reference(values=SEEDS[:5], framework="torch", margin=0.016)
    sister = reference(values=SEEDS[5:], framework="tensorflow")
    alone = verdict_of([0.961], ours)
    helped = verdict_of([0.961], ours, sister)
    assert (alone.status, helped.status) == (Status.INCONCLUSIVE, Status.PASS)
    assert helped.reference == ours


def test_runs_that_are_stored_twice_tell_of_the_scatter_once() -> None:
    recorded = reference(values=SEEDS[:4], seeds=(0, 1, 2, 3), framework="torch")
    kept = replace(recorded, kind="earlier", values=SEEDS[:5], seeds=(0, 1, 2, 3, 4))
    (metric,) = accuracy_recipe().metrics

    def freedom(*references: Reference) -> float:
        spread = known_spread(record(), metric, Baseline(model="toy", references=references))
        assert spread is not None
        return spread.df

    assert freedom(recorded, kept) == freedom(kept, recorded) == freedom(kept) == 4
    assert freedom(kept, replace(kept, framework="tensorflow")) == 8
    assert freedom(recorded, replace(recorded, seeds=(4, 5, 6, 7))) == 6


def test_runs_that_count_as_values_are_no_known_scatter_too() -> None:
    recorded = replace(EARLIER, kind="recorded", weights=())
    alone, *_ = judge([AGAIN], accuracy_recipe(), Baseline(model="toy", references=(PUBLISHED, EARLIER)))
    beside, *_ = judge([AGAIN], accuracy_recipe(), Baseline(model="toy", references=(PUBLISHED, EARLIER, recorded)))
    assert (alone.reference, alone.low, alone.high) == (beside.reference, beside.low, beside.high)


def test_a_baseline_is_not_judged_against_the_runs_it_was_made_of() -> None:
    made_of = record(metrics={"top1": 0.961})
    ours = reference(values=SEEDS, runs=(made_of.id,))
    (verdict,) = judge([made_of], accuracy_recipe(), Baseline(model="toy", references=(ours,)))
    assert verdict.status is Status.NO_BASELINE
    assert "these very runs" in verdict.sentence
    fresh = record(seed=1, metrics={"top1": 0.962})
    (verdict,) = judge([made_of, fresh], accuracy_recipe(), Baseline(model="toy", references=(ours,)))
    assert (verdict.status, verdict.n) == (Status.PASS, 1)


def test_runs_that_saw_different_data_are_not_judged_together() -> None:
    runs = [record(seed=seed, metrics={"top1": 0.961}, digests={"data": digest}) for seed, digest in enumerate("ab")]
    (verdict,) = judge(runs, accuracy_recipe(), Baseline(model="toy", references=(reference(values=SEEDS),)))
    assert verdict.status is Status.INVALID
    assert "different data" in verdict.sentence


def test_speeds_of_different_machines_are_not_judged_together() -> None:
    runs = [
        record(seed=seed, recipe="speed", mode="speed", metrics={"samples_per_second": 100.0}, machine=machine)
        for seed, machine in enumerate((MACHINE, replace(MACHINE, cores=64)))
    ]
    (verdict,) = judge(runs, speed_recipe(), Baseline(model="toy", references=(FAST,)))
    assert verdict.status is Status.INVALID


def test_no_reference_is_never_green() -> None:
    verdict = verdict_of([0.96])
    assert verdict.status is Status.NO_BASELINE
    assert exit_code([verdict]) == 4


def test_a_reference_of_another_recipe_or_framework_does_not_apply() -> None:
    verdict = verdict_of(
        [0.96], reference(values=SEEDS, recipe="other"), reference(values=SEEDS, framework="tensorflow")
    )
    assert verdict.status is Status.NO_BASELINE


def test_published_and_recorded_are_judged_each_on_its_own() -> None:
    runs = [record(metrics={"top1": 0.961}), record(seed=1, metrics={"top1": 0.962})]
    references = (reference(values=SEEDS, kind="published"), reference(values=(0.98, 0.981, 0.982, 0.98, 0.979)))
    published, recorded = judge(runs, accuracy_recipe(), Baseline(model="toy", references=references))
    assert (published.status, recorded.status) == (Status.PASS, Status.REGRESSION)


def test_the_recorded_reference_of_this_environment_wins_over_a_newer_one_of_another() -> None:
    here = reference(values=SEEDS, environment="torch-2.13", date="2026-01-01")
    there = reference(values=SEEDS, environment="torch-2.15", date="2026-02-01")
    verdict = verdict_of([0.961, 0.962], here, there)
    assert verdict.reference == here


def speeds(record_changes: dict[str, Any], *references: Reference) -> Verdict:
    runs = [
        record(seed=seed, recipe="speed", mode="speed", metrics={"samples_per_second": rate}, **record_changes)
        for seed, rate in enumerate((100.0, 101.0, 99.5))
    ]
    (verdict,) = judge(runs, speed_recipe(), Baseline(model="toy", references=references))
    return verdict


FAST = reference(
    metric="samples_per_second", recipe="speed", values=(100.0, 100.5, 99.0, 101.0), machine=MACHINE.machine_class
)


def test_a_speed_on_its_own_machine_passes() -> None:
    assert speeds({}, FAST).status is Status.PASS


def test_a_slowdown_against_another_day_is_suspected_and_alarms_nobody() -> None:
    slow = replace(FAST, values=(150.0, 150.5, 149.0, 151.0), value=150.1, environment="torch-2.12")
    verdict = speeds({}, slow)
    assert verdict.status is Status.INCONCLUSIVE
    assert "REGRESSION is suspected" in verdict.sentence
    assert "harness compare torch-2.12 torch-2.13 --model toy" in verdict.sentence


def test_a_speed_of_another_machine_is_no_baseline_and_says_which() -> None:
    verdict = speeds({}, replace(FAST, machine="Tesla P100, 1 cores"))
    assert verdict.status is Status.NO_BASELINE
    assert "Tesla P100" in verdict.sentence


def test_a_speed_of_another_processor_of_the_same_name_is_no_baseline() -> None:
    rome = replace(MACHINE, cpu="AMD EPYC", cpu_model="family 23 model 49", vector_instructions="avx avx2 fma")
    turin = replace(rome, cpu_model="family 26 model 2", vector_instructions="avx avx2 avx512f fma")
    assert turin.machine_class == "AMD EPYC (family 26 model 2, AVX-512), 2 cores"
    theirs = replace(FAST, machine=rome.machine_class)
    assert speeds({"machine": rome}, theirs).status is Status.PASS
    assert speeds({"machine": turin}, theirs).status is Status.NO_BASELINE
    masked = replace(turin, vector_instructions="avx avx2 fma")  # by the hypervisor
    assert masked.machine_class == "AMD EPYC (family 26 model 2, AVX2), 2 cores"


def test_a_gpus_speed_holds_on_every_machine_with_that_gpu_at_its_batch_size_alone() -> None:
    published = replace(FAST, machine="DGX A100, 1 GPU", gpu="A100-SXM4-80GB", batch_size=256)
    on = {
        "machine": replace(MACHINE, gpus=("NVIDIA A100-SXM4-80GB",) * 4),
        "settings": {"device": "cuda"},
        "samples_per_step": 256,
    }
    assert speeds(on, published).status is Status.PASS
    assert speeds({**on, "settings": {"device": "cpu"}}, published).status is Status.NO_BASELINE
    assert "this run had 32" in speeds({**on, "samples_per_step": 32}, published).sentence
    other = replace(MACHINE, gpus=("NVIDIA A100-SXM4-40GB",))
    assert "references are for DGX A100, 1 GPU" in speeds({**on, "machine": other}, published).sentence


@pytest.mark.parametrize(
    "measured",
    [{"foreign_share": 0.4}, {"steal_share": 0.2}, {"wait_share": 0.3}, {"cpu_share": 0.4}, {"cpu_share": math.nan}],
)
def test_a_disturbed_speed_is_invalid_not_slow(measured: dict[str, float]) -> None:
    verdict = speeds({"measurement": {**QUIET, **measured}}, FAST)
    assert verdict.status is Status.INVALID
    assert exit_code([verdict]) == 3


def test_a_speed_that_does_not_tell_how_it_was_measured_is_invalid() -> None:
    assert speeds({"measurement": {}}, FAST).status is Status.INVALID


def test_a_change_outweighs_a_failure_outweighs_an_open_question() -> None:
    def of(*statuses: Status) -> int:
        return exit_code(replace(verdict_of([0.96]), status=status) for status in statuses)

    assert of() == of(Status.PASS) == 0
    assert of(Status.ERROR, Status.REGRESSION, Status.PASS) == 1
    assert of(Status.INCONCLUSIVE, Status.INVALID) == 3
    assert of(Status.PASS, Status.NO_BASELINE) == 4


def test_equal_records_give_equal_verdicts() -> None:
    assert verdict_of([0.961], reference(values=SEEDS)) == verdict_of([0.961], reference(values=SEEDS))
    assert isinstance(record(), Record)


def test_a_published_number_is_not_held_against_part_of_its_data() -> None:
    part = {
        "name": "imagenet",
        "complete": False,
        "published": {"train": 1_281_167, "val": 50_000},
        "splits": {"train": {"samples": 1_281_100}, "val": {"samples": 50_000}},
    }
    verdict = verdict_of([0.961, 0.962], reference(values=SEEDS, kind="published"), data=part)
    assert verdict.status is Status.NO_BASELINE
    assert "train has 1,281,100 of 1,281,167 images" in verdict.sentence
    whole = {**part, "complete": True}
    assert verdict_of([0.961, 0.962], reference(values=SEEDS, kind="published"), data=whole).status is Status.PASS


def test_a_recorded_number_holds_for_its_own_data_only() -> None:
    ours = reference(values=SEEDS, data="a" * 64)
    assert verdict_of([0.961, 0.962], ours, digests={"data": "a" * 64}).status is Status.PASS
    verdict = verdict_of([0.961, 0.962], ours, digests={"data": "b" * 64})
    assert verdict.status is Status.NO_BASELINE
    assert "recorded on other data" in verdict.sentence
    assert "aaaaaaaaaaaa" in verdict.sentence
    assert "bbbbbbbbbbbb" in verdict.sentence
