"""What differs between two runs, planted one at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.core.differences import KINDS, Origin, differences
from harness.core.values import Record
from tests.core.examples import MACHINE, record

DIGESTS = {"code": "c", "environment": "e", "data": "d", "first_batches": "b", "weights_initial": "w"}
MANIFEST = {"name": "digits", "digest": "d", "splits": {"train": {"samples": 100}}}

HERE = replace(MACHINE, cpu_model="family 23 model 49", vector_instructions="avx avx2", microcode="0x1")


def made(**changes: Any) -> Record:
    fields: dict[str, Any] = {
        "digests": DIGESTS,
        "data": MANIFEST,
        "packages": {"torch": "2.13.0", "numpy": "2.4.6"},
        "variables": {"OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "0"},
        "libraries": {"onednn": "on"},
        "machine": HERE,
        **changes,
    }
    return record(**fields)


PLANTED: list[tuple[dict[str, Any], tuple[str, str, str | None, str | None]]] = [
    (
        {
            "digests": {**DIGESTS, "data": "x"},
            "data": {"name": "digits", "digest": "x", "splits": {"train": {"samples": 98}}},
        },
        ("data", "splits.train.samples", "100", "98"),
    ),
    ({"digests": {**DIGESTS, "code": "x"}}, ("code", "digest", "c", "x")),
    ({"digests": {**DIGESTS, "first_batches": "x"}}, ("start", "first batches", "b", "x")),
    ({"digests": {**DIGESTS, "weights_initial": "x"}}, ("start", "initial weights", "w", "x")),
    ({"packages": {"torch": "2.14.0", "numpy": "2.4.6"}}, ("framework", "torch", "2.13.0", "2.14.0")),
    ({"packages": {"torch": "2.13.0"}}, ("package", "numpy", "2.4.6", None)),
    ({"digests": {**DIGESTS, "environment": "x"}}, ("package", "digest of the environment", "e", "x")),
    (
        {"variables": {"OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "0", "ONEDNN_MAX_CPU_ISA": "AVX2"}},
        ("variable", "ONEDNN_MAX_CPU_ISA", None, "AVX2"),
    ),
    ({"libraries": {"onednn": "off"}}, ("library", "onednn", "on", "off")),
    ({"settings": {"device": "cuda"}}, ("setting", "device", "cpu", "cuda")),
    (
        {"machine": replace(HERE, cpu_model="family 26 model 2")},
        ("machine", "cpu_model", "family 23 model 49", "family 26 model 2"),
    ),
    (
        {"machine": replace(HERE, vector_instructions="avx avx2 avx512f")},
        ("machine", "vector_instructions", "avx avx2", "avx avx2 avx512f"),
    ),
    ({"machine": replace(HERE, microcode="0x2")}, ("machine", "microcode", "0x1", "0x2")),
    ({"machine": replace(HERE, driver="570.1")}, ("machine", "driver", None, "570.1")),
    ({"machine": replace(HERE, kernel="6.12")}, ("machine", "kernel", "6.1", "6.12")),
    ({"environment": "torch-2.14"}, ("job", "environment", "torch-2.13", "torch-2.14")),
]


@pytest.mark.parametrize(("changes", "expected"), PLANTED, ids=[each[1][1] for each in PLANTED])
def test_one_planted_difference_is_the_only_one_told(
    changes: dict[str, Any], expected: tuple[str, str, str | None, str | None]
) -> None:
    (found,) = differences(made(), made(**changes))
    assert (found.kind, found.name, found.before, found.after) == expected


def test_equal_runs_differ_in_nothing() -> None:
    later = made(id="20260102T000000-toy-digits-torch-2.13-s0-fedcba", started=1.0, metrics={"top1": 0.1})
    assert differences(made(), later) == ()


def test_the_recipe_is_compared_by_what_the_folders_hold() -> None:
    before, after = Origin(hyperparameters={"weight_decay": 1e-4}), Origin(hyperparameters={"weight_decay": 5e-5})
    (found,) = differences(made(), made(), before, after)
    assert (found.kind, found.name, found.before, found.after) == ("recipe", "weight_decay", "0.0001", "5e-05")


def test_files_that_differ_are_named_with_how_much() -> None:
    other = made(digests={**DIGESTS, "code": "x"})
    before = Origin(files={"models/toy/plain.py": "a\nb\nc\n", "same.py": "1\n", "gone.py": "1\n2\n"})
    after = Origin(files={"models/toy/plain.py": "a\nB\nc\nd\n", "same.py": "1\n"})
    told = [(each.name, each.before, each.after) for each in differences(made(), other, before, after)]
    assert told == [("gone.py", "2 line(s)", None), ("models/toy/plain.py", "1 line(s) gone", "2 line(s) new")]


def test_another_seed_explains_the_start_and_its_variable() -> None:
    other = made(
        seed=1,
        digests={**DIGESTS, "first_batches": "x", "weights_initial": "x"},
        variables={"OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "1"},
    )
    assert [each.name for each in differences(made(), other)] == ["seed"]


def test_the_most_suspicious_comes_first() -> None:
    other = made(
        digests={"code": "x", "environment": "x", "data": "x", "first_batches": "x"},
        data={**MANIFEST, "name": "other"},
        packages={"torch": "2.14.0", "numpy": "2.5.0"},
        libraries={"onednn": "off"},
        machine=replace(MACHINE, cpu="Another"),
        settings={"device": "cuda"},
    )
    kinds = [each.kind for each in differences(made(), other)]
    assert kinds == ["data", "code", "start", "framework", "package", "library", "setting", "machine"]
    assert kinds == sorted(kinds, key=KINDS.index)


def test_a_run_that_died_early_does_not_look_like_another_environment() -> None:
    dead = made(packages={}, variables={}, libraries={}, settings={}, machine=None, digests={"code": "c"})
    told = [(each.kind, each.name) for each in differences(made(), dead)]
    assert ("package", "numpy") not in told
    assert ("package", "all") in told


def test_what_older_records_did_not_ask_of_the_machine_is_no_difference() -> None:
    assert differences(made(machine=MACHINE), made()) == ()


def test_packages_of_one_version_with_other_files_are_told() -> None:
    packages = {"numpy": "2.4.6", "torch": "2.13.0"}
    before = made(packages=packages, installed={"numpy": "a" * 64, "torch": "b" * 64})
    after = made(packages=packages, installed={"numpy": "c" * 64, "torch": "b" * 64})
    [found] = differences(before, after)
    assert (found.kind, found.name) == ("package", "numpy")
    assert (found.before, found.after) == ("2.4.6, files aaaaaaaaaaaa", "2.4.6, files cccccccccccc")
    assert differences(before, made(packages=packages)) == ()  # of runs from before it was noted nothing is said
