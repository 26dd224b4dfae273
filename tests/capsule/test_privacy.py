"""What names a machine or a person stays at home; what decided a result travels."""

from __future__ import annotations

from harness.capsule import named, public_event, public_job, public_record, strange_lines
from harness.wire.events import Event

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
