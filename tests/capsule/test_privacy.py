"""What names a machine or a person stays at home; what decided a result travels."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.capsule import (
    named,
    named_nowhere,
    public_event,
    public_hyperparameters,
    public_job,
    public_program,
    public_record,
    reproducible,
    strange_lines,
)
from harness.core.errors import HarnessError
from harness.wire.events import Event
from tests.core.examples import record

LOCK = """\
# environments/a.toml, resolved for Python 3.11.
numpy==2.4.6 \\
    --hash=sha256:{0} \\
    --hash=sha256:{0}
torch==2.13.0+cpu ; sys_platform == 'linux' and python_version >= '3.11' \\
    --hash=sha256:{0}
    # via
    #   gymnasium
"""


def test_the_worker_keeps_its_place_to_itself() -> None:
    event = public_event(Event("run_start", 1.0, {"executable": "/home/me/python", "pid": 7, "python": "3.11"}))
    assert event.fields == {"python": "3.11"}
    variables = {"OMP_NUM_THREADS": "2", "XLA_FLAGS": "--xla_dump_to=/home/me/x", "TORCH_X": "~/y"}
    told = public_event(Event("environment", 1.0, {"packages": {}, "variables": variables}))
    assert told.fields["variables"] == {"OMP_NUM_THREADS": "2"}


HYPERPARAMETERS = {
    "argv": ["/home/me/venv/bin/python3.11", "/home/me/p/train.py", "--out=/home/me/p/out", "--seed", "{seed}"],
    "folder": "/home/me/p", "log": "/home/me/p/logs", "patterns": ["a=tensorboard:b"], "bin": "/home/me/x/bin",
}  # fmt: skip


def test_a_programs_command_runs_elsewhere_or_is_refused() -> None:
    told = public_hyperparameters(HYPERPARAMETERS, include_host=False)
    assert told == {
        "argv": ["python3.11", "train.py", "--out=out", "--seed", "{seed}"],
        "folder": "", "log": "logs", "patterns": ["a=tensorboard:b"],
    }  # fmt: skip
    away = {**HYPERPARAMETERS, "argv": ["python", "train.py", "--data=/home/me/data"]}
    with pytest.raises(HarnessError, match="its command names --data=/home/me/data"):
        public_hyperparameters(away, include_host=False)
    assert public_hyperparameters(away, include_host=True)["argv"][2] == "--data=/home/me/data"
    assert named_nowhere(away)["argv"] == ["python", "train.py", "(a path)"]


def test_what_of_a_program_cannot_be_made_again_is_said() -> None:
    program = replace(
        record(0),
        job=replace(record(0).job, framework="command"),
        packages={"numpy": "2.4.6", "my-tool": "1", "old": "0.1"},
        elsewhere=("my-tool",),
        libraries={"python": "3.11.7"},
        data={"files": {"/home/me/mnist.npz": {"sha256": "a" * 64, "bytes": 1}, "x.csv": {"sha256": "b" * 64}}},
    )
    said = "\n".join(reproducible(public_program(program), "numpy==2.4.6 \\\n"))
    assert "packages: 1 of 3 have their version" in said
    assert "not exactly: my-tool: installed from a folder" in said
    assert "not exactly: old: no index" in said
    assert "outside/aaaaaaaaaaaa/mnist.npz: read from outside" in said
    assert "/home/me" not in said


def test_records_and_jobs_lose_their_folders_only() -> None:
    assert public_record({"path": "/home/me", "seed": 1, "variables": {}}) == {"path": "", "seed": 1, "variables": {}}
    assert public_job({"data": {"path": "/home/me", "manifest": {}}})["data"] == {"path": "", "manifest": {}}
    assert public_job({"data": None}) == {"data": None}


def test_a_name_counts_as_a_word_of_its_own() -> None:
    assert named('open("/root/data.npy")', ["/root"]) == "/root"
    assert named("made on node-7", ["node-7"]) == "node-7"
    assert named("/opt/gcc/root/usr, /rooted, node-71", ["/root", "node-7"]) is None


def test_a_lock_of_ours_is_not_strange() -> None:
    assert strange_lines(LOCK.format("a" * 64)) == []


def test_what_makes_an_installer_look_elsewhere_is_strange() -> None:
    strange = (
        "--index-url https://evil.example", "-i https://evil.example", "--extra-index-url x", "--find-links /tmp",
        "-r other.txt", "-c other.txt", "-e .", "./wheel.whl", "https://evil.example/x.whl", "x @ file:///tmp/x.whl",
        "numpy>=1", "numpy", "--trusted-host evil.example", "numpy==1 --config-settings=x", "--no-binary :all:",
    )  # fmt: skip
    assert strange_lines("\n".join(strange)) == list(strange)
