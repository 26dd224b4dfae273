from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.core.errors import HarnessError
from harness.core.values import Reference
from harness.registry import Workspace, load_baseline, load_model, record_references
from harness.registry.baselines import read_references
from tests.registry.shelves import PUBLISHED, write_baseline, write_model

ROOT = Path(__file__).parents[2]
RECORDED = Reference(
    recipe="digits",
    metric="top1",
    kind="recorded",
    value=0.965,
    values=(0.96, 0.97),
    n=2,
    framework="numpy",
    environment="numpy-2.4",
    machine="Some CPU, 2 cores",
    source="harness baseline record",
    date="2026-11-24",
    reason='first "own" numbers: é, \\, #',
    lock="ab12",
    seeds=(0, 1),
)


def test_what_is_recorded_is_what_loads(workspace: Workspace) -> None:
    write_model(workspace.root)
    path = workspace.root / "baselines" / "toy.toml"
    record_references(path, [RECORDED], comment="Two seeds,\nmeasured at night.")

    assert path.read_text(encoding="utf-8").startswith("# Two seeds,\n# measured at night.\n")
    assert load_baseline(workspace, load_model(workspace, "toy")).references == (RECORDED,)


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "# no newline"])
def test_recording_keeps_the_other_bytes_of_the_file(workspace: Workspace, ending: str) -> None:
    write_model(workspace.root)
    path = write_baseline(workspace.root, "")
    before = ("# by hand   \n" + PUBLISHED + "\t" + ending).encode()
    path.write_bytes(before)
    path.chmod(0o640)

    record_references(path, [RECORDED, RECORDED.__class__(**{**vars(RECORDED), "date": "2026-11-25"})], comment="c")

    assert path.read_bytes().startswith(before)
    assert path.stat().st_mode & 0o777 == 0o640
    dates = [reference.date for reference in load_baseline(workspace, load_model(workspace, "toy")).references]
    assert dates == ["2020-05-01", "2026-11-24", "2026-11-25"]
    assert [file.name for file in path.parent.iterdir()] == ["toy.toml"]


def test_earlier_runs_are_written_in_the_stead_of_those_among_them(tmp_path: Path) -> None:
    path = tmp_path / "toy.toml"
    begun = replace(RECORDED, kind="earlier", weights=("a", "b"))
    others = [replace(begun, framework="torch"), replace(begun, weights=("a", "x"), date="2026-11-23")]
    record_references(path, [RECORDED], comment="The first.")
    before = path.read_bytes()
    record_references(path, [begun, *others], comment="Begun.")
    more = replace(begun, value=0.965, values=(0.96, 0.97, 0.965), n=3, seeds=(0, 1, 2), weights=("a", "b", "c"))
    record_references(path, [more], comment="Gone on.")
    record_references(path, [more])
    assert path.read_bytes().startswith(before)
    stored, _ = read_references(path.read_bytes(), "", None)
    assert stored == [RECORDED, *others, more]


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        record_references(tmp_path / name / "toy.toml", [RECORDED], comment="c")
    assert (tmp_path / "one" / "toy.toml").read_bytes() == (tmp_path / "two" / "toy.toml").read_bytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metric": "samples_per_second", "machine": None}, "names no machine"),
        ({"source": ""}, "source: missing"),
        ({"values": (), "value": float("nan")}, "should be a finite number"),
    ],
)
def test_what_would_not_load_is_not_recorded(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    path = write_baseline(tmp_path, PUBLISHED)
    faulty = RECORDED.__class__(**{**vars(RECORDED), **changes})
    with pytest.raises(HarnessError, match=message):
        record_references(path, [faulty], comment="c")
    assert path.read_text(encoding="utf-8") == PUBLISHED
    assert [file.name for file in path.parent.iterdir()] == ["toy.toml"]


def test_a_broken_file_is_not_added_to(tmp_path: Path) -> None:
    path = write_baseline(tmp_path, "[[reference]\n")
    with pytest.raises(HarnessError, match=r"baselines/toy\.toml:1:"):
        record_references(path, [RECORDED], comment="c")
    assert path.read_text(encoding="utf-8") == "[[reference]\n"


RECORD = """
import dataclasses, sys
from pathlib import Path
from harness.registry import record_references
from tests.registry.test_recording import RECORDED
for seed in range(5):
    reference = dataclasses.replace(RECORDED, seeds=(int(sys.argv[2]), seed))
    record_references(Path(sys.argv[1]), [reference], comment="c")
"""


def test_two_recordings_at_once_are_both_kept(workspace: Workspace) -> None:
    write_model(workspace.root)
    path = workspace.root / "baselines" / "toy.toml"
    both = [subprocess.Popen([sys.executable, "-c", RECORD, str(path), str(seed)], cwd=ROOT) for seed in (1, 2)]
    assert [process.wait() for process in both] == [0, 0]

    references = load_baseline(workspace, load_model(workspace, "toy")).references
    assert {reference.seeds for reference in references} == {(a, b) for a in (1, 2) for b in range(5)}
