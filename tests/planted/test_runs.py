"""``python -m tests.planted runs``, made small: a toy in numpy, spoilt as the frameworks are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.planted.runs import SPOILT_NAME, Case, Found, by_sitecustomize, compare, workspace

TOY = REPOSITORY / "tests" / "toys" / "spoilable"


def found(tmp_path: Path, recipe: str, variables: dict[str, str], pairs: int = 5, toy: Path = TOY) -> Found:
    case = Case(
        name="small",
        sound="numpy-2.4",
        model=toy.name,
        recipe=recipe,
        variables=variables,
        folder=toy,
        pairs=pairs,
    )
    return compare(workspace(tmp_path / "workspace", case), case)


@pytest.mark.parametrize(
    ("spoil", "metric", "status"),
    [
        ("half weight decay", "cross_entropy", "IMPROVED"),
        ("lost labels", "cross_entropy", "REGRESSION"),
        ("other momentum", "top1", "REGRESSION"),
    ],
)
def test_what_spoils_a_training_is_found_and_named(tmp_path: Path, spoil: str, metric: str, status: str) -> None:
    told = found(tmp_path, "digits", by_sitecustomize(spoil))
    assert {verdict["metric"]: verdict["status"] for verdict in told.verdicts}[metric] == status
    named = {(each["kind"], each["name"]): each["after"] for each in told.differences}
    assert named["variable", "PLANTED"] == spoil
    assert ("variable", "PYTHONPATH") in named
    assert (("start", "first batches") in named) == (spoil == "lost labels")


def test_a_convolution_that_is_a_tenth_slower_never_passes(tmp_path: Path) -> None:
    told = found(tmp_path, "speed", by_sitecustomize("slow convolution"), pairs=4)
    (verdict,) = told.verdicts
    assert verdict["status"] in ("REGRESSION", "INCONCLUSIVE", "INVALID")  # the machine that tests us is seldom ours
    if verdict["status"] == "REGRESSION":
        assert 1.03 < verdict["reference"] / verdict["measured"] < 1.2


def test_slower_kernels_are_found_and_named(tmp_path: Path) -> None:
    """As oneDNN off: OpenBLAS without AVX, in products of matrices, which take a multiple of their time."""
    told = found(tmp_path, "speed", {"OPENBLAS_CORETYPE": "Prescott"}, pairs=3, toy=TOY.parent / "toy")
    (verdict,) = told.verdicts
    assert verdict["status"] in ("REGRESSION", "INCONCLUSIVE", "INVALID")  # the last two: fewer than three usable pairs
    if verdict["status"] != "INVALID":
        assert verdict["reference"] / verdict["measured"] > 1.5
    assert ("variable", "OPENBLAS_CORETYPE") in {(each["kind"], each["name"]) for each in told.differences}


def test_a_spoil_that_does_not_exist_ends_the_run(tmp_path: Path) -> None:
    """Python mentions an error in sitecustomize and goes on: then an unspoilt run would count as a spoilt one."""
    told = found(tmp_path, "digits", by_sitecustomize("nonsense"), pairs=1)
    assert {verdict["status"] for verdict in told.verdicts} == {"ERROR"}
    runs = (tmp_path / "workspace" / ".harness" / "runs").glob(f"*-{SPOILT_NAME}-*")
    assert all("PLANTED is one of" in (run / "worker.log").read_text() for run in runs)
    assert all(json.loads((run / "record.json").read_text())["status"] == "crashed" for run in runs)
