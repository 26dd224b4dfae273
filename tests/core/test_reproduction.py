"""Bit-identical, equal, different, undecided: which answer a reproduction gets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.core.names import leads_down, printable
from harness.core.pairs import compare_accuracy
from harness.core.reproduction import AVX2_ALONE, Answer, Parting, answer, partings, same_kernels, unequal
from harness.core.values import Metric, Record, RunStatus
from harness.wire.digests import code_digest
from tests.core.examples import MACHINE, record

TOP1 = Metric(name="top1", unit="fraction", better="higher", margin=0.02)


def packed(seed: int = 0, value: float = 0.9) -> Record:
    made = record(seed, metrics={"top1": value})
    return replace(
        made,
        digests={**made.digests, "first_batches": "b", "weights_initial": "i", "weights_final": f"f{seed}"},
        curves={"loss": ((0, 1.0), (1, 0.5)), "top1": ((1, value),), "samples_per_second": ((0, 7.0), (1, 8.0))},
    )


def again(before: Record, value: float) -> Record:
    """Other last bits from the second epoch on."""
    return replace(
        before,
        metrics={"top1": value},
        digests={**before.digests, "weights_final": "other"},
        curves={**before.curves, "loss": ((0, 1.0), (1, 0.5000001)), "samples_per_second": ((0, 1.0), (1, 2.0))},
    )


def judged(pairs: list[tuple[Record, Record]]) -> Answer:
    verdict = compare_accuracy([one for one, _ in pairs], [other for _, other in pairs], TOP1, None)
    return answer(pairs, [verdict])


def test_the_same_bits_need_no_statistics() -> None:
    before = packed()
    faster = replace(before, curves={**before.curves, "samples_per_second": ((0, 99.0), (1, 99.0))}, seconds=1.0)
    assert unequal(before, faster) == ()
    assert answer([(before, faster)], []) is Answer.IDENTICAL


def test_what_parts_is_named_with_its_epoch() -> None:
    before = packed()
    other = again(before, 0.9)
    assert unequal(before, other) == ("final weights", "curve of loss")
    assert partings(before, other) == (Parting(curve="loss", epoch=1, before=0.5, after=0.5000001),)


def test_a_curve_that_ends_early_parts_where_it_ends() -> None:
    before = packed()
    short = replace(before, curves={**before.curves, "loss": ((0, 1.0),)})
    assert partings(before, short) == (Parting(curve="loss", epoch=1, before=0.5, after=None),)


def test_weights_that_nobody_recorded_are_not_the_same() -> None:
    before = packed()
    bare = replace(before, digests={name: value for name, value in before.digests.items() if name != "weights_final"})
    assert unequal(bare, bare) == ("final weights",)


def test_a_program_that_tells_no_weights_is_equal_in_its_numbers_and_no_more() -> None:
    made = packed()
    before = replace(
        made,
        job=replace(made.job, framework="command"),
        digests={"code": "c"},
        metrics={"top1": 0.9, "seconds": 7.0},
    )
    later = replace(before, metrics={"top1": 0.9, "seconds": 8.0})
    assert unequal(before, later) == ()
    assert answer([(before, later)], []) is Answer.SAME_NUMBERS
    other = replace(before, metrics={"top1": 0.8, "seconds": 7.0})
    assert unequal(before, other) == ("top1",)
    assert answer([(before, other)], []) is Answer.UNDECIDED
    silent = replace(before, metrics={"seconds": 7.0}, curves={})
    assert answer([(silent, silent)], []) is Answer.UNDECIDED  # nothing was compared, so nothing is said


def test_many_seeds_close_together_are_statistically_equal() -> None:
    values = [0.9, 0.901, 0.899, 0.9005, 0.8995, 0.9, 0.901, 0.899]
    ones = [packed(seed, value) for seed, value in enumerate(values)]
    assert judged([(one, again(one, one.metrics["top1"] + 0.0002)) for one in ones]) is Answer.EQUAL


def test_many_seeds_far_apart_are_different() -> None:
    values = [0.9, 0.901, 0.899, 0.9005, 0.8995, 0.9, 0.901, 0.899]
    ones = [packed(seed, value) for seed, value in enumerate(values)]
    assert judged([(one, again(one, one.metrics["top1"] - 0.05)) for one in ones]) is Answer.DIFFERENT
    assert judged([(one, again(one, one.metrics["top1"] + 0.05)) for one in ones]) is Answer.DIFFERENT


def test_one_seed_whose_bits_differ_decides_nothing() -> None:
    before = packed()
    assert judged([(before, again(before, 0.9003))]) is Answer.UNDECIDED


@pytest.mark.parametrize("status", [status for status in RunStatus if status is not RunStatus.FINISHED])
def test_a_run_that_did_not_end_is_no_reproduction(status: RunStatus) -> None:
    before = packed()
    assert answer([(before, replace(before, status=status))], []) is Answer.FAILED
    assert answer([], []) is Answer.FAILED


def test_names_lead_down_or_are_refused() -> None:
    assert all(leads_down(name) for name in ("a", "a/b.py", "runs/x-1/record.json", "a.b/..c"))
    assert not any(leads_down(name) for name in ("", "/a", "a/", "a//b", "./a", "a/../b", "..", "a\\b", "a\0b", "a\nb"))


def test_words_from_elsewhere_move_no_cursor() -> None:
    assert printable("a\x1b[31mb\n") == "a\N{REPLACEMENT CHARACTER}[31mb\N{REPLACEMENT CHARACTER}"
    assert len(printable("x" * 1000, 10)) == 11


def test_the_digest_of_code_is_of_names_and_contents() -> None:
    files = {"b/a": "1", "b.py": "2"}
    assert code_digest(files) == code_digest(dict(reversed(files.items())))
    assert code_digest(files) != code_digest({**files, "b.py": "3"})


def test_a_wider_processor_is_kept_to_the_kernels_of_the_packed_run() -> None:
    narrow = replace(MACHINE, vector_instructions="avx avx2 fma")
    wide = replace(narrow, vector_instructions="avx avx2 avx512f fma")
    before = replace(record(), machine=narrow)
    assert same_kernels(before, wide) == AVX2_ALONE
    assert same_kernels(before, narrow) == {}
    assert same_kernels(replace(before, machine=wide), narrow) == {}  # which it cannot be
    assert same_kernels(replace(before, machine=MACHINE), wide) == {}  # not asked then
    assert same_kernels(replace(before, machine=None), wide) == {}
    assert same_kernels(replace(before, settings={"device": "cuda"}), wide) == {}
    kept = replace(before, machine=wide, variables={"OPENBLAS_CORETYPE": "Zen", "OMP_NUM_THREADS": "1"})
    assert same_kernels(kept, wide) == {"OPENBLAS_CORETYPE": "Zen"}
