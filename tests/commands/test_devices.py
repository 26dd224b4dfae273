"""One training on two devices, here two processes on the CPU: the same batches, the same result."""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.commands.test_run import has_ended, wait_for_epochs
from tests.conftest import REPOSITORY, Workspace


def add(workspace: Workspace, lose_rank: int = -1) -> Path:
    folder = workspace.root / "models" / "devices"
    shutil.copytree(REPOSITORY / "tests" / "toys" / "devices", folder)
    toml = folder / "model.toml"
    toml.write_text(toml.read_text().replace("lose_rank = -1", f"lose_rank = {lose_rank}"))
    return folder


def train(workspace: Workspace, framework: str, devices: int, *more: str) -> dict[str, Any]:
    asked = ("run", "devices", "-f", framework, "--threads", "2", "--devices", str(devices), "--json", *more)
    ended = workspace.harness(*asked)
    record: dict[str, Any] = json.loads((Path(ended.json["runs"][0]["path"]) / "record.json").read_text())
    return record


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_two_devices_train_what_one_trains(workspace: Workspace, framework: str) -> None:
    """Sums over a batch are added up in another order, so the losses may differ in their last bits."""
    add(workspace)
    one, two = train(workspace, framework, 1), train(workspace, framework, 2)
    assert (one["reason"], two["reason"]) == ("", "")
    losses = [[loss for _, loss in record["curves"]["loss"]] for record in (one, two)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert one["metrics"]["top1"] == pytest.approx(two["metrics"]["top1"], abs=0.003)  # one test image of 360
    assert one["digests"]["weights_initial"] == two["digests"]["weights_initial"]
    assert (one["machine"]["devices"], two["machine"]["devices"]) == (1, 2)
    kinds = [json.loads(line)["kind"] for line in (Path(two["path"]) / "events.jsonl").read_text().splitlines()]
    assert (kinds.count("run_start"), kinds.count("run_stop"), kinds.count("eval_accuracy")) == (1, 1, 2)


def test_a_lost_rank_ends_the_run_at_once(workspace: Workspace) -> None:
    """And not at the deadline, until which the other rank would have waited; no framework has a part in that."""
    add(workspace, lose_rank=1)
    record = train(workspace, "torch", 2)
    assert record["status"] == "error"
    assert "rank 1 was killed by SIGKILL" in record["reason"]


def test_every_rank_ends_with_the_harness_and_not_only_with_the_first(workspace: Workspace) -> None:
    """The first is held still here, so that only the second can notice that the harness is gone."""
    toml = add(workspace) / "model.toml"
    toml.write_text(toml.read_text().replace("epochs = 2", "epochs = 100000"))
    command = workspace.command("run", "devices", "-f", "torch", "--threads", "2", "--devices", "2")
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    first = psutil.Process(wait_for_epochs(workspace))
    (second,) = first.children()
    first.suspend()
    process.kill()
    process.wait(60)
    try:
        assert has_ended(second.pid)
    finally:
        for left in (first, second):
            with suppress(psutil.NoSuchProcess):
                left.kill()


def test_a_model_that_does_not_share_its_work_is_refused_a_second_device(workspace: Workspace) -> None:
    ended = workspace.harness("run", "ts-fcn", "-f", "torch", "--devices", "2", "--json")
    assert ended.returncode == 3
    assert "ts-fcn trains on one device, and 2 were asked for" in ended.stdout
