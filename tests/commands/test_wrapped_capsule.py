"""A wrapped program packed, looked into and run again, as a stranger does it: from its code and its packages alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.commands.export import export
from harness.commands.inspect import inspected
from harness.core.errors import HarnessError
from tests.capsule.forge import Forged
from tests.commands.test_capsule import SECRET, at_a_strangers
from tests.conftest import Ended, open_at

TRAIN = """
import argparse, os
import numpy
from lib.net import step
parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
asked = parser.parse_args()
table = numpy.loadtxt("data/table.csv")
with open(os.environ.get("TABLE", "data/table.csv")) as file:
    file.read()
weights = numpy.random.default_rng(asked.seed).normal(size=3)
for epoch in range(3):
    weights = step(weights, table)
    print(f"loss = {float(abs(weights).sum())!r}", flush=True)
"""
NET = "def step(weights, table):\n    return weights * 0.5 + table.mean() / 7\n"
PLANTED = {
    "AWS_SECRET_ACCESS_KEY": SECRET, "HF_TOKEN": SECRET, "TF_TOKEN_app_terraform_io": SECRET,
    "MLFLOW_TRACKING_PASSWORD": SECRET, "TORCH_API_KEY": SECRET,
    "HARNESS_STORE_URL": f"sqlite:///{{place}}/{SECRET}.db",
}  # fmt: skip


@pytest.fixture(scope="module")
def wrapped(tmp_path_factory: pytest.TempPathFactory, environment_python: Callable[[str], Path]) -> Path:
    """A project with one run of its program in a numpy of its own, secrets wherever one could leak."""
    root = tmp_path_factory.mktemp("wrapped") / "project"
    (root / "lib").mkdir(parents=True)
    (root / "data").mkdir()
    (root / "train.py").write_text(TRAIN)
    (root / "lib" / "net.py").write_text(NET)
    (root / "data" / "table.csv").write_text("1\n2\n3\n")
    (root.parent / "outside.csv").write_text("4\n5\n")
    address = f"https://me:{SECRET}@host.example/x.git"
    for words in (("init", "-q"), ("remote", "add", "origin", address)):
        subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)
    made = harness(root, "wrap", "--metric", "loss=loss = ([0-9.]+)", "--lower", "loss",
                   "--", str(environment_python("numpy-2.4")), "train.py", "--seed", "{seed}")  # fmt: skip
    assert made.returncode == 0, made.stderr
    return root


def harness(root: Path, *arguments: str) -> Ended:
    planted = {name: value.format(place=root.parent) for name, value in PLANTED.items()}
    ended = subprocess.run(
        [sys.executable, "-m", "harness", *arguments],
        capture_output=True, text=True, check=False, cwd=root,
        env={**os.environ, **planted, "TABLE": str(root.parent / "outside.csv"), "NO_COLOR": "1"}, timeout=300,
    )  # fmt: skip
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def run_of(root: Path) -> str:
    [run] = (root / ".harness" / "runs").iterdir()
    return run.name


@pytest.fixture(scope="module")
def capsule(wrapped: Path) -> Path:
    target = wrapped.parent / "train.zip"
    done = harness(wrapped, "pack", run_of(wrapped), "-o", str(target), "--with-data")
    assert done.returncode == 0, done.stderr
    return target


def test_a_stranger_gets_the_same_numbers(wrapped: Path, capsule: Path, tmp_path: Path) -> None:
    looked = at_a_strangers(tmp_path, "inspect", str(capsule))
    assert looked.returncode == 0, looked.stderr
    assert "packages: 1 of 1 have their version and sha256 in the lock" in looked.stdout
    assert "/outside.csv: read from outside of its folder" in looked.stdout
    assert "data set files: in the file" in looked.stdout
    made = at_a_strangers(tmp_path, "reproduce", str(capsule), "--into", "place", "--yes", "--json")
    assert made.returncode == 0, made.stderr
    assert made.json["answer"] == "equal in every number"
    assert [run["unequal"] for run in made.json["runs"]] == [[]]
    differing = {(each["kind"], each["name"].rpartition("/")[2]) for each in made.json["differences"]}
    away = {("data", "outside.csv.bytes"), ("data", "outside.csv.sha256")}  # TABLE is not set at a stranger's
    assert away <= differing
    assert {kind for kind, _ in differing - away} <= {"library", "variable", "machine"}
    record = json.loads((Path(made.json["runs"][0]["here"]["path"]) / "record.json").read_text())
    before = json.loads(next((wrapped / ".harness" / "runs").glob("*/record.json")).read_text())
    assert record["packages"] == before["packages"]  # of the environment that was made for it, and no other
    assert record["installed"] == before["installed"]  # the same files, whoever installed them
    assert before["packages"].keys() == before["installed"].keys() == {"numpy"}


def test_no_secret_and_no_place_of_a_wrapped_run_leaves_the_machine(wrapped: Path, capsule: Path) -> None:
    for path in (wrapped / ".harness").rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path
    with zipfile.ZipFile(capsule) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    for name, content in contents.items():
        for hidden in (SECRET, str(wrapped.parent), str(Path.home()) + "/", "/environments/numpy"):
            assert hidden.encode() not in content, (name, hidden)
    assert {name for name in contents if name.startswith("data/")} == {"data/files/data/table.csv"}
    [code] = {name.split("/")[1] for name in contents if name.startswith("code/")}
    assert {name for name in contents if name.startswith("code/")} == {
        f"code/{code}/train.py",
        f"code/{code}/lib/net.py",
    }
    again = capsule.with_name("again.zip")
    assert harness(wrapped, "pack", run_of(wrapped), "-o", str(again), "--with-data").returncode == 0
    assert again.read_bytes() == capsule.read_bytes()


@pytest.mark.parametrize("format", ["mlflow", "tensorboard", "mlperf", "model-card"])
def test_no_secret_and_no_place_is_exported(wrapped: Path, tmp_path: Path, format: str) -> None:
    workspace = open_at(wrapped)
    export(workspace, [run_of(wrapped)], format, tmp_path / "out")
    files = [path for path in (tmp_path / "out", *(tmp_path / "out").rglob("*")) if path.is_file()]
    contents = {path: path.read_bytes() for path in files}
    assert any(b"loss" in content for content in contents.values())
    for path, content in contents.items():
        for hidden in (SECRET, str(wrapped.parent), f"{Path.home()}/", "environments/numpy"):
            assert hidden.encode() not in content, (path, hidden)


def test_data_that_nobody_has_is_named(capsule: Path, tmp_path: Path) -> None:
    forged = Forged(capsule, tmp_path / "train.zip")
    del forged.files["data/files/data/table.csv"]
    forged.edit("capsule.json", lambda about: about.update(data={}))
    forged.sign()
    made = at_a_strangers(tmp_path, "reproduce", str(forged.write()), "--into", "place", "--yes")
    assert made.returncode == 3
    assert "data/table.csv, 6 bytes, sha256 14c5e74c4b96" in made.stderr
    assert "--data-dir" in made.stderr
    assert not (tmp_path / "place").exists()


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (("environments/program.lock", b"numpy==2.4.6", b"numpy==2.4.5"), "its lock holds numpy 2.4.5"),
        (("record.json", b'"data/table.csv"', b'"../../../table.csv"'), "is none"),
    ],
)
def test_parts_that_do_not_agree_are_refused(
    capsule: Path, tmp_path: Path, spoilt: tuple[str, bytes, bytes], said: str
) -> None:
    forged = Forged(capsule, tmp_path / "train.zip")
    forged.spoil(spoilt[0], lambda content: content.replace(*spoilt[1:]))
    forged.sign()
    with pytest.raises(HarnessError, match=said), inspected(forged.write()):
        pass
