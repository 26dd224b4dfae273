"""Any script, unedited, becomes a run: its words, its files, its end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Ended

TRAIN = """
import argparse, json, subprocess, sys, time
from lib.net import loss_of
parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--fail", type=int, default=0)
parser.add_argument("--wait", default="")
asked = parser.parse_args()
with open("data.csv") as file:
    numbers = [float(line) for line in file]
for epoch in range(3):
    loss = loss_of(numbers, epoch, asked.seed)
    print(f"epoch {epoch}: loss = {loss:.4f}, accuracy {100 - loss:.2f}%", flush=True)
    with open("log.jsonl", "a") as log:
        print(json.dumps({"mse": loss / 2, "step": epoch}), file=log)
subprocess.run([sys.executable, "-c", "open('child.bin', 'rb').read()"], check=True)
if asked.wait:
    open("lib/net.py", "a").write("# edited meanwhile\\n")
sys.exit(asked.fail)
"""
NET = "def loss_of(numbers, epoch, seed):\n    return sum(numbers) / (epoch + 1) + seed / 100\n"


LOGGING = """
import pathlib, shutil, sys
shutil.copytree(sys.argv[1], sys.argv[2])  # as if it wrote them itself
"""
WRITTEN = Path(__file__).parent.parent / "worker" / "logged"


class Project:
    """Somebody's project, which knows nothing of the harness."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "lib").mkdir(parents=True)
        (root / "train.py").write_text(TRAIN)
        (root / "lib" / "net.py").write_text(NET)
        (root / "data.csv").write_text("1\n2\n3\n")
        (root / "child.bin").write_bytes(b"\0\1\2")
        (root / "unused.py").write_text("never imported\n")

    def harness(self, *arguments: str) -> Ended:
        ended = subprocess.run(
            [sys.executable, "-m", "harness", *arguments],
            capture_output=True, text=True, check=False, cwd=self.root, env={**os.environ, "NO_COLOR": "1"},
            timeout=120,
        )  # fmt: skip
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def wrap(self, *options: str, command: tuple[str, ...] = ()) -> Ended:
        return self.harness("wrap", *options, "--", sys.executable, "train.py", *command)

    def folders(self) -> list[Path]:
        return sorted((self.root / ".harness" / "runs").iterdir())

    def record(self, number: int = -1) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folders()[number] / "record.json").read_text())
        return found


METRICS = ("--metric", "loss=loss = ([0-9.]+)", "--metric", "accuracy=accuracy ([0-9.]+)%", "--lower", "loss")
LOGGED = ("--log", "log.jsonl", "--logged", "mse", "--lower", "mse")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def test_a_script_becomes_a_run(project: Project) -> None:
    before = {path: path.read_bytes() for path in project.root.rglob("*.py")}
    (project.root / "log.jsonl").write_text('{"mse": 99}\n')  # of an earlier run
    ended = project.wrap(*METRICS, *LOGGED, "--json")
    assert ended.returncode == 0, ended.stderr
    assert "epoch 2: loss = 2.0000, accuracy 98.00%" in ended.stderr  # shown as the program says it
    assert ended.json["runs"][0]["status"] == "finished"
    record = project.record()
    assert {name: value for name, value in record["metrics"].items() if name != "seconds"} == {
        "loss": 2.0,
        "accuracy": 98.0,
        "mse": 1.0,
    }
    assert record["curves"]["loss"] == [[0, 6.0], [1, 3.0], [2, 2.0]]
    assert record["curves"]["mse"] == [[0, 3.0], [1, 1.5], [2, 1.0]]
    files = record["data"]["files"]
    assert files["data.csv"] == {"bytes": 6, "sha256": sha256(b"1\n2\n3\n").hexdigest()}
    assert files["child.bin"]["bytes"] == 3  # read by a program that the script started
    code = project.folders()[-1] / "code" / "project"
    assert {str(path.relative_to(code)) for path in code.rglob("*.py")} == {"train.py", "lib/net.py"}
    assert (code / "lib" / "net.py").read_text() == NET
    assert record["packages"]["pytest"]  # of the program's own interpreter
    assert record["edited"] == []
    assert {path: path.read_bytes() for path in before} == before


def test_what_it_logs_is_read(project: Project, tmp_path: Path) -> None:
    (project.root / "train.py").write_text(LOGGING)
    shutil.copytree(WRITTEN, project.root / "earlier")  # of another run, and not of this
    metrics = ("acc=tensorboard:tf/val/acc", "mlacc=mlflow:val_acc", "no=tensorboard:epoch_loss", "none=mlflow:x")
    options = tuple(word for metric in metrics for word in ("--metric", metric))
    ended = project.wrap(*options, command=(str(WRITTEN), "logs"))
    assert ended.returncode == 3  # two metrics are UNMEASURED, and why is said:
    assert (
        "no is not known: tensorboard: epoch_loss stands in several runs: logs/keras/train/epoch_loss" in ended.stderr
    )
    assert "none is not known: mlflow: there is no x; what was written is: first/once" in ended.stderr
    record = project.record()
    assert record["metrics"]["mlacc"] == 0.8
    assert record["metrics"]["acc"] == pytest.approx(0.9)
    assert record["curves"]["acc"][:2] == [[0, 0.5], [100, pytest.approx(0.6)]]
    assert set(record["metrics"]) == {"acc", "mlacc", "seconds"}
    elsewhere = ("--log", str(tmp_path / "elsewhere"), "--metric", "acc=tensorboard:tf/val/acc")
    assert project.wrap(*elsewhere, command=(str(WRITTEN), str(tmp_path / "elsewhere"))).returncode == 0
    assert project.record()["metrics"]["acc"] == pytest.approx(0.9)


def test_it_is_a_model_from_then_on(project: Project) -> None:
    assert project.wrap(*METRICS, command=("--seed", "{seed}")).returncode == 0
    assert project.harness("run", "train", "--seeds", "3").returncode == 4
    assert [project.record(number)["metrics"]["loss"] for number in (1, 2, 3)] == [2.0, 2.01, 2.02]
    recorded = project.harness("baseline", "record", "train", "--reason", "as it was")
    assert recorded.returncode == 0, recorded.stderr
    (project.root / "lib" / "net.py").write_text(NET.replace("/ (epoch", "* 2 / (epoch"))
    again = project.wrap("--json", command=("--seed", "{seed}"))  # with the metrics of last time
    loss = next(verdict for verdict in again.json["verdicts"] if verdict["metric"] == "loss")
    assert (loss["status"], again.returncode) == ("REGRESSION", 1)
    first, last = project.folders()[0].name, project.folders()[-1].name
    told = project.harness("compare", first, last, "--json")
    assert told.returncode == 0, told.stderr
    assert [(each["kind"], each["name"]) for each in told.json["differences"]][:1] == [("code", "project/lib/net.py")]


def test_a_program_that_fails_is_no_result(project: Project) -> None:
    ended = project.wrap(*METRICS, command=("--fail", "7"))
    assert ended.returncode == 3
    record = project.record()
    assert record["status"] == "error"
    assert "exit status 7" in record["reason"]
    assert record["data"]["files"]["data.csv"]["bytes"] == 6
    assert "epoch 2" in (project.folders()[-1] / "worker.log").read_text()


def test_a_program_that_is_not_there_is_no_result(project: Project) -> None:
    ended = project.harness("wrap", "--", "no-such-program")
    assert ended.returncode == 3
    assert "no-such-program" in project.record()["reason"]


def test_what_is_edited_meanwhile_is_said(project: Project) -> None:
    assert project.wrap(*METRICS).returncode == 0  # now the compiled file is what an import opens
    ended = project.wrap(*METRICS, command=("--wait", "yes"))
    assert "changed while it ran: lib/net.py" in ended.stderr
    assert project.record()["edited"] == ["lib/net.py"]
    page = project.root / ".harness" / "reports" / f"run-{project.folders()[-1].name}.html"
    assert "Changed while it ran" in page.read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--metric", "loss"), "is no NAME=REGEX"),
        (("--metric", "loss=[0-9]+"), "with one group"),
        (("--metric", "loss=(["), "unterminated"),
        (("--metric", "loss=tensorboard:"), "is no NAME=REGEX"),
        (("--metric", "a b=(x)"), "is no NAME=REGEX"),
        (("--log", "log.jsonl"), "--log names no metric"),
        (("--lower", "loss"), "--lower loss: no such metric"),
        (("--name", "softmax"), "there is a model called softmax already"),
        (("--name", "../x"), "no name of a model"),
    ],
)
def test_what_is_asked_wrongly_is_answered(project: Project, options: tuple[str, ...], said: str) -> None:
    ended = project.wrap(*options)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "hint: " in ended.stderr
    assert not (project.root / ".harness" / "wrapped").exists()


def test_a_number_that_is_none_is_left_out_and_said(project: Project) -> None:
    ended = project.wrap("--metric", "word=(epoch) 1")
    assert "word is no number: 'epoch'" in ended.stderr
    assert ended.returncode == 3  # UNMEASURED
