"""The command line as a user meets it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.test_run import BASELINE
from tests.conftest import Workspace

HEAVY = (
    "torch",
    "tensorflow",
    "keras",
    "pandas",
    "matplotlib",
    "scipy",
    "sklearn",
    "jinja2",
    "pooch",
    "psutil",
    "sqlalchemy",
    "alembic",
)


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["list", "--json"], ["run", "--help"]])
def test_quick_commands_import_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    program = (
        "import sys; sys.argv = ['harness', *sys.argv[1:]]\n"
        "from harness.cli import main\n"
        "try: main()\n"
        "finally: sys.stderr.write(' '.join(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert ended.stdout
    assert not set(ended.stderr.split()) & set(HEAVY)


def test_list_shows_every_model_and_its_recipes(workspace: Workspace) -> None:
    workspace.add_toy()
    found = {model["name"]: model for model in workspace.harness("list", "--json").json["models"]}
    assert {"resnet50", "softmax", "toy", "ts-fcn"} <= set(found)
    assert set(found["toy"]["recipes"]) == {"fine", "speed", "bad"}
    assert "resnet50" in workspace.harness("list").stdout


def test_list_notes_what_it_found_and_sees_every_edit(workspace: Workspace) -> None:
    folder = workspace.add_toy()
    first = workspace.harness("list", "--json")
    assert (workspace.state / "list.json").exists()
    assert workspace.harness("list", "--json").stdout == first.stdout
    (workspace.root / "baselines").mkdir()
    (workspace.root / "baselines" / "toy.toml").write_text(BASELINE)
    found = {model["name"]: model for model in workspace.harness("list", "--json").json["models"]}
    assert found["toy"]["references"] == 1
    (folder / "model.toml").write_text("title = 3\n")
    ended = workspace.harness("list")
    assert ended.returncode == 2
    assert "models/toy/model.toml" in ended.stderr


def test_list_makes_no_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "harness", "--workspace", str(tmp_path), "list"]
    subprocess.run(command, check=True, capture_output=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "resnet5"], "did you mean resnet50"),
        (["run", "resnet50", "--recipe", "digit"], "did you mean digits"),
        (["run", "resnet50", "-f", "torch", "-e", "torch-2.12"], "did you mean torch-2.13"),
        (["run", "resnet50", "-f", "jax"], "known: tensorflow, torch"),
        (["run", "softmax", "-e", "torch-2.13"], "torch-2.13 holds torch"),
        (["data", "fetch", "digit"], "did you mean digits"),
        (["env", "build", "tf-2.2"], "did you mean tf-2.21"),
        (["env", "remove", "tf-2.2"], "did you mean tf-2.21"),
        (["env", "add", "torch"], "harness env discover torch"),
        (["env", "add", "torch==2.13.0"], "give another --name"),
        (["env", "discover", "jax"], "known: torch, tensorflow"),
        (["run"], "name a MODEL, or say --all"),
        (["run", "resnet50", "--seed", "-1"], "-1 is not in the range"),
        (["rum"], "No such command"),
        (["report"], "no run is stored"),
        (["baseline", "record", "softmax", "--reason", "x"], "no run of softmax"),
        (["baseline", "record", "softmax"], "--reason"),
    ],
)
def test_a_wrong_request_exits_2_and_says_what_to_do(workspace: Workspace, arguments: list[str], told: str) -> None:
    ended = workspace.harness(*arguments)
    assert ended.returncode == 2
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


def test_a_workspace_that_is_not_there_is_told_so(tmp_path: Path) -> None:
    ended = list_in(tmp_path / "none")
    assert ended.returncode == 2
    assert "no such folder" in ended.stderr


def list_in(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness", "--workspace", str(root), "list"],
        capture_output=True,
        text=True,
        check=False,
    )


def test_broken_toml_names_the_file_the_line_and_every_fault(workspace: Workspace) -> None:
    toml = workspace.add_toy() / "model.toml"
    good = toml.read_text()
    toml.write_text(good.replace('title = "', "title = "))
    broken = workspace.harness("run", "toy")
    assert broken.returncode == 2
    assert "model.toml:1:" in broken.stderr
    toml.write_text(good.replace('task = "test of the harness"', 'tusk = "x"').replace("max_seeds = 3", ""))
    faulty = workspace.harness("run", "toy")
    assert faulty.returncode == 2
    assert all(word in faulty.stderr for word in ("tusk", "task", "recipes.fine", "max_seeds"))


def test_machine_tells_what_a_speed_holds_for(workspace: Workspace) -> None:
    assert "cores" in workspace.harness("machine", "--json").json["machine_class"]


def test_a_reader_that_leaves_early_is_no_error() -> None:
    ended = subprocess.run(
        f"{sys.executable} -m harness list | head -1", shell=True, capture_output=True, text=True, check=True
    )
    assert ended.stderr == ""
