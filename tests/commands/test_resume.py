"""Long runs: stopped, killed, damaged and gone on with, by the command line and real workers.

The command line is called in this process: most of what a new one costs is to load the harness again.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy
import pytest

from harness.cli import main
from tests.conftest import REPOSITORY, Ended, Workspace

ONCE = ("--seed", "3", "--max-seeds", "1")


@pytest.fixture
def lasting(workspace: Workspace) -> Workspace:
    return with_toy(workspace)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The record of a run that nobody interrupts."""
    workspace = with_toy(Workspace(tmp_path_factory.mktemp("whole")))
    run(workspace)
    assert not (workspace.runs()[0] / "checkpoints").exists()  # it finished, and needs none
    return newest(workspace)


def with_toy(workspace: Workspace) -> Workspace:
    shutil.copytree(REPOSITORY / "tests" / "toys" / "lasting", workspace.root / "models" / "lasting")
    return workspace


def harness(workspace: Workspace, *arguments: str, **variables: str) -> Ended:
    out, err, before = StringIO(), StringIO(), signal.getsignal(signal.SIGTERM)
    words = ["harness", "--workspace", str(workspace.root), *arguments]
    with (
        patch.dict(os.environ, variables),
        patch.object(sys, "argv", words),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            with pytest.raises(SystemExit) as ended:
                main()
        finally:
            signal.signal(signal.SIGTERM, before)
    return Ended(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def run(workspace: Workspace, *more: str, **variables: str) -> Ended:
    return harness(workspace, "run", "lasting", *ONCE, "--json", *more, **variables)


def resume(workspace: Workspace, record: dict[str, Any], *more: str) -> Ended:
    return harness(workspace, "run", "--resume", record["id"], *more)


def newest(workspace: Workspace) -> dict[str, Any]:
    """By its start: ids of one second sort by chance."""
    records = [json.loads((path / "record.json").read_text()) for path in workspace.runs() if list(path.glob("rec*"))]
    found: dict[str, Any] = max(records, key=lambda record: record["started"])
    return found


def killed(workspace: Workspace, how: str = "killed") -> dict[str, Any]:
    assert run(workspace, LASTING=how).json["runs"][0]["status"] == "crashed"
    return newest(workspace)


def epochs_begun(folder: Path) -> int:
    events = folder / "events.jsonl"
    return events.read_text().count('"epoch_start"') if events.is_file() else 0


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """To the bit, and whole: every epoch is there."""
    assert len(one["curves"]["loss"]) == 4
    curves = [
        {name: points for name, points in each["curves"].items() if "samples" not in name} for each in (one, other)
    ]
    return bool(curves[0] == curves[1] and (one["metrics"], one["digests"]) == (other["metrics"], other["digests"]))


def test_kill_9_costs_what_came_after_the_last_checkpoint_and_no_bit(lasting: Workspace, whole: dict[str, Any]) -> None:
    cut = killed(lasting)
    assert f"it can go on from epoch 2, step 0: python -m harness run --resume {cut['id']}" in cut["reason"]
    ended = resume(lasting, cut)
    assert ended.returncode == 4, ended.stderr  # it has no baseline
    rest = newest(lasting)
    assert same(whole, rest)
    assert (rest["parent"], rest["relation"]) == (cut["id"], "resumed")
    epochs = [json.loads(line) for line in (Path(newest(lasting)["path"]) / "events.jsonl").read_text().splitlines()]
    assert [event["fields"]["epoch"] for event in epochs if event["kind"] == "epoch_start"] == [2, 3]
    # The mark, in every report.
    assert "finished, resumed" in ended.stdout
    assert f"1 of 1 run(s) resumed an interrupted one: {rest['id']}" in ended.stdout
    reports = lasting.state / "reports"
    for page in (reports / "index.html", reports / "model-lasting.html", reports / f"run-{rest['id']}.html"):
        assert "finished, resumed" in page.read_text()
    told = harness(lasting, "report", "--json").json
    assert [(each["relation"], each["parent"]) for each in told["runs"]] == [("resumed", cut["id"])]
    for form in ("markdown", "junit", "csv"):
        assert "resumed" in harness(lasting, "report", "--format", form).stdout
    assert "finished, resumed" in harness(lasting, "runs", "list").stdout


def test_kill_9_while_a_checkpoint_is_written_leaves_the_one_before_it(
    lasting: Workspace, whole: dict[str, Any]
) -> None:
    cut = killed(lasting, "killed while it writes")
    folder = Path(cut["path"]) / "checkpoints"
    assert [path.name[:12] for path in sorted(folder.glob("*.npz"))] == ["epoch-000001", "epoch-000002"]
    assert len(list(folder.glob(".*.tmp"))) == 1
    assert resume(lasting, cut, "--json").json["runs"][0]["status"] == "finished"
    assert same(whole, newest(lasting))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_the_worker_end_its_step_and_write(
    lasting: Workspace, whole: dict[str, Any], number: signal.Signals
) -> None:
    command = lasting.command("run", "lasting", *ONCE)
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env={**os.environ, "LASTING": "waits"})
    while not any(epochs_begun(path) == 2 for path in lasting.runs()):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"stopping: a run that keeps its state writes it first" in told
    cut = newest(lasting)
    assert cut["status"] == "interrupted"
    assert (
        "interrupted: stopped by SIGTERM in epoch 1 after 4 step(s); it can go on from epoch 1, step 4" in cut["reason"]
    )
    ended = resume(lasting, cut, "--json")
    assert ended.json["runs"][0]["status"] == "finished", ended.stderr
    assert same(whole, newest(lasting))


def test_a_state_that_is_not_all_kept_gets_no_certificate(lasting: Workspace) -> None:
    good = harness(lasting, "certify", "resume", "softmax", "--json")
    assert good.returncode == 0, good.stderr
    (certificate,) = good.json["certificates"]
    assert certificate["equal"]
    assert certificate["interrupted"] == {"epoch": 10, "step": 22}
    assert len(certificate["runs"]) == 3
    stored = json.loads((Path(newest(lasting)["path"]) / "certificate.json").read_text())
    assert stored == certificate
    bad = harness(lasting, "certify", "resume", "lasting", LASTING="forgets its own generator")
    assert bad.returncode == 1
    assert "is not the same: final weights" in bad.stdout
    assert "First: loss of epoch 2" in bad.stdout


def test_both_frameworks_go_on_to_the_same_bits(workspace: Workspace) -> None:
    folder = workspace.root / "models" / "nano-gpt"
    shutil.copytree(REPOSITORY / "models" / "nano-gpt", folder)
    toml = (folder / "model.toml").read_text()
    cut = {"epochs": 2, "steps_per_epoch": 6, "layers": 1, "width": 16, "warmup_steps": 2, "eval_batches": 1}
    for name, value in cut.items():
        toml = re.sub(rf"^{name} = .*$", f"{name} = {value}", toml, flags=re.MULTILINE)
    (folder / "model.toml").write_text(toml)
    ended = harness(workspace, "certify", "resume", "nano-gpt", "--threads", "1", "--json")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert [each["framework"] for each in ended.json["certificates"]] == ["torch", "tensorflow"]
    assert all(each["interrupted"] == {"epoch": 1, "step": 3} for each in ended.json["certificates"])


def test_what_could_not_go_on_as_it_was_is_refused(lasting: Workspace) -> None:
    cut = killed(lasting)
    folder = Path(cut["path"])
    for path, change, told in (
        (folder / "code" / "models" / "lasting" / "plain.py", b"# another\n", "is not the code that"),
        (folder / "job.json", b' {"seed": 4}', "job.json: cannot be read"),
    ):
        before = path.read_bytes()
        path.write_bytes(before + change)
        ended = resume(lasting, cut)
        assert ended.returncode == 3
        assert told in ended.stderr
        path.write_bytes(before)
    job = json.loads((folder / "job.json").read_text())
    for name, other, told in (("hyperparameters", {"epochs": 9}, "is not recipe long"), ("seed", 4, "")):
        (folder / "job.json").write_text(json.dumps({**job, name: other}))
        assert (resume(lasting, cut).returncode == 3) == bool(told)  # the seed is taken from the record
    (folder / "job.json").write_text(json.dumps(job))
    record = json.loads((folder / "record.json").read_text())
    for digests, told in (({"environment": "0" * 64}, "was made in numpy-2.4 with digest 0000"),
                          ({"data": "0" * 64}, "saw data with digest 0000")):  # fmt: skip
        (folder / "record.json").write_text(json.dumps({**record, "digests": {**record["digests"], **digests}}))
        assert told in resume(lasting, cut).stderr
    (folder / "record.json").write_text(json.dumps(record))
    checkpoint = max((folder / "checkpoints").iterdir())
    content = bytearray(checkpoint.read_bytes())
    content[len(content) // 2] ^= 1
    checkpoint.write_bytes(content)
    damaged = resume(lasting, cut)
    assert damaged.returncode == 3
    assert f"{checkpoint}: damaged" in damaged.stderr
    assert "remove it and say --resume again (the one before it is epoch-000001-step-000000000.npz)" in damaged.stderr
    checkpoint.unlink()
    assert "finished" in resume(lasting, cut).stdout
    assert "has finished" in resume(lasting, newest(lasting)).stderr
    shutil.rmtree(folder / "checkpoints")
    assert "holds no checkpoint" in resume(lasting, cut).stderr
    assert "leave the other choices out" in harness(lasting, "run", "lasting", "--resume", cut["id"]).stderr


def test_files_that_were_edited_meanwhile_are_named_and_not_used(lasting: Workspace, whole: dict[str, Any]) -> None:
    cut = killed(lasting)
    (Path(cut["path"]) / "record.json").unlink()  # as where the harness itself was killed
    model = lasting.root / "models" / "lasting" / "plain.py"
    model.write_text(model.read_text().replace("0.99", "0.5"))
    ended = resume(lasting, cut)
    assert "plain.py changed since" in " ".join(ended.stderr.split())
    assert same(whole, newest(lasting))


def test_a_full_disk_costs_the_checkpoint_and_not_the_run(lasting: Workspace) -> None:
    ended = run(lasting, LASTING="full disk")
    assert ended.json["runs"][0]["status"] == "finished"
    kinds = [
        json.loads(line)["kind"] for line in (Path(newest(lasting)["path"]) / "events.jsonl").read_text().splitlines()
    ]
    assert (kinds.count("checkpoint"), kinds.count("checkpoint_failed")) == (1, 3)
    assert "No space left on device" in (Path(newest(lasting)["path"]) / "worker.log").read_text()


def test_a_chain_of_runs_is_followed_both_ways(lasting: Workspace, tmp_path: Path) -> None:
    refused = harness(lasting, "run", "lasting", "--init-from", run(lasting).json["runs"][0]["id"])
    assert refused.returncode == 2
    assert "kept no weights" in refused.stderr
    assert run(lasting, "--keep-weights").returncode == 4
    first = newest(lasting)
    weights = Path(first["path"]) / "weights.safetensors"
    begun = run(lasting, "--init-from", first["id"], LASTING="killed")
    assert begun.json["runs"][0]["initial"] == first["id"]
    cut = newest(lasting)
    assert cut["digests"]["weights_initial"] == first["digests"]["weights_final"]
    ended = resume(lasting, cut)
    last = newest(lasting)
    assert "finished, resumed, initialised" in ended.stdout
    assert f"started from the weights of {first['id']}: references hold for a training from scratch" in ended.stdout
    tree = harness(lasting, "lineage", last["id"]).stdout.splitlines()
    assert [re.split(r"  +", line.lstrip(" └─"))[0] for line in tree] == [
        first["id"],
        f"initialised: {cut['id']}",
        f"resumed: {last['id']}",
    ]
    told = harness(lasting, "lineage", first["id"], "--json").json["lineage"]
    assert told["children"][0]["children"][0]["id"] == last["id"]
    # Which run made these weights?
    known = harness(lasting, "whence", str(weights))
    assert known.returncode == 0
    assert f"run {first['id']} ended in them" in known.stdout
    assert f"run {cut['id']} began with them" in known.stdout
    assert first["digests"]["code"] in known.stdout
    changed = bytearray(weights.read_bytes())
    changed[-1] ^= 1
    (tmp_path / "other.safetensors").write_bytes(changed)
    assert harness(lasting, "whence", str(tmp_path / "other.safetensors")).returncode == 1
    numpy.savez(tmp_path / "pickled.npz", a=numpy.array([{}], dtype=object))
    refused = harness(lasting, "whence", str(tmp_path / "pickled.npz"))
    assert refused.returncode == 2
    assert "can hold code, and are not read" in refused.stderr
    weights.write_bytes(changed)
    assert "these are not the weights" in harness(lasting, "run", "lasting", "--init-from", first["id"]).stderr
