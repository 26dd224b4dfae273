from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.core.errors import HarnessError
from harness.core.judge import judge
from harness.core.newest import newest_runs
from harness.core.plan import choose_environments, choose_recipe, first_seeds, more_jobs, next_look, plan
from harness.core.values import Baseline, Environment, ModelSpec, RunStatus
from harness.statistics import ACCURACY_LOOKS
from tests.core.examples import accuracy_recipe, record, reference

SPEC = ModelSpec(
    name="toy",
    title="Toy",
    task="test",
    paper=None,
    frameworks=("torch", "tensorflow"),
    default_recipe="digits",
    recipes={"digits": accuracy_recipe()},
    folder="models/toy",
)


def environment(name: str, framework: str) -> Environment:
    return Environment(name=name, framework=framework, python="3.11", requirements=(), variables={}, digest=name)


SHELF = (environment("torch-2.13", "torch"), environment("tf-2.21", "tensorflow"), environment("torch-2.15", "torch"))


def test_a_recipe_that_is_not_there_is_answered_with_the_nearest() -> None:
    assert choose_recipe(SPEC, None).name == "digits"
    with pytest.raises(HarnessError) as caught:
        choose_recipe(SPEC, "digit")
    assert "did you mean digits" in caught.value.hint


def test_each_framework_runs_in_its_first_environment_unless_others_are_named() -> None:
    def names(frameworks: tuple[str, ...] = (), environments: tuple[str, ...] = ()) -> list[str]:
        chosen = choose_environments(SPEC, SHELF, frameworks=frameworks, environments=environments)
        return [item.name for item in chosen]

    assert names() == ["torch-2.13", "tf-2.21"]
    assert names(frameworks=("tensorflow",)) == ["tf-2.21"]
    assert names(environments=("torch-2.15",)) == ["torch-2.15"]
    with pytest.raises(HarnessError, match="not written for jax"):
        names(frameworks=("jax",))
    with pytest.raises(HarnessError, match=r"cannot run in tf-2\.21"):
        names(frameworks=("torch",), environments=("tf-2.21",))


def test_a_framework_without_an_environment_is_an_error_not_left_out() -> None:
    with pytest.raises(HarnessError, match="no environment holds tensorflow"):
        choose_environments(SPEC, SHELF[:1], frameworks=(), environments=())


def test_looks_grow_up_to_the_cap() -> None:
    assert [next_look(done, ACCURACY_LOOKS, 10) for done in (1, 2, 3, 5, 8, 10)] == [2, 3, 5, 8, 10, 10]
    assert next_look(3, ACCURACY_LOOKS, 4) == 4
    assert next_look(5, ACCURACY_LOOKS, 5) == 5


def test_only_undecided_groups_are_asked_for_more_with_fresh_seeds() -> None:
    jobs = plan(SPEC, accuracy_recipe(), SHELF[:1], (0, 2), device="cpu", threads=2)
    runs = [
        replace(record(seed=job.seed, metrics={"top1": value}), job=job)
        for job, value in zip(jobs, (0.94, 0.97), strict=True)
    ]
    known = Baseline(model="toy", references=(reference(values=(0.94, 0.96, 0.95)),))
    verdicts = judge(runs, accuracy_recipe(), known)
    assert [job.seed for job in more_jobs(jobs, verdicts, ACCURACY_LOOKS, cap=5)] == [1]
    assert more_jobs(jobs, verdicts, ACCURACY_LOOKS, cap=2) == ()


def test_seeds_that_count_already_are_not_asked_for() -> None:
    jobs = plan(SPEC, accuracy_recipe(), SHELF[:1], (0,), device="cpu", threads=2)
    run = replace(record(metrics={"top1": 0.95}, digests={"weights_final": "a"}), job=jobs[0])
    earlier = reference(
        values=(0.95, 0.96, 0.93), kind="earlier", seeds=(0, 1, 3), weights=("a", "b", "c"), framework="torch"
    )
    published = reference(values=(0.94, 0.97, 0.95), kind="published")
    verdicts = judge([run], accuracy_recipe(), Baseline(model="toy", references=(published, earlier)))
    assert [job.seed for job in more_jobs(jobs, verdicts, ACCURACY_LOOKS, cap=10)] == [2, 4]


@pytest.mark.parametrize(
    ("change", "seeds"),
    [({}, [0]), ({"seeds": (1, 2, 3)}, [0, 1, 2]), ({"weights": ()}, [0, 1, 2]), ({"framework": "numpy"}, [0, 1, 2])],
)
def test_one_run_comes_first_where_it_may_repeat_a_stored_one(change: dict[str, Any], seeds: list[int]) -> None:
    stored = {"values": (0.95, 0.96, 0.93), "seeds": (0, 1, 2), "weights": ("a", "b", "c"), "framework": "torch"}
    baseline = Baseline(model="toy", references=(reference(**{**stored, **change}),))
    assert list(first_seeds(replace(accuracy_recipe(), first_seeds=3), baseline, ("torch",), 10)) == seeds


def test_a_group_with_a_failed_run_is_not_asked_for_more() -> None:
    jobs = plan(SPEC, accuracy_recipe(), SHELF[:1], (0,), device="cpu", threads=2)
    runs = [replace(record(status=RunStatus.CRASHED), job=jobs[0])]
    assert (
        more_jobs(jobs, judge(runs, accuracy_recipe(), Baseline(model="toy", references=())), ACCURACY_LOOKS, cap=5)
        == ()
    )


def test_newest_runs_leave_out_what_was_made_otherwise() -> None:
    old = record(seed=0, digests={"code": "old"})
    first, again = record(seed=1, digests={"code": "new"}), record(seed=1, digests={"code": "new"}, seconds=61.0)
    assert newest_runs([old, first, again]) == (again,)
    kept_to_avx2 = record(seed=0, digests={"code": "new"}, variables={"ONEDNN_MAX_CPU_ISA": "AVX2"})
    assert newest_runs([kept_to_avx2, again]) == (again,)
