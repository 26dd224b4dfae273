"""The commands of the README and of docs/ are run as they stand there."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.conftest import REPOSITORY, Workspace

WRAP = "python -m harness wrap --metric 'top1=accuracy: ([0-9.]+)' -- python train.py --seed {seed}"
# Run elsewhere in the tests, or too long to run twice; every other command line is run here.
ELSEWHERE = {
    "python -m harness run --all --recipe cpu --budget 120": "commands/test_run_all.py, with the toy",
    "pip install -e . && python -m harness run resnet50": "test_frameworks.py, shortened",
    "pip install tox && tox": "what runs this test",
    "python -m harness run ts-fcn": "test_frameworks.py, shortened",
    "python -m harness run resnet50 --recipe speed": "test_frameworks.py, shortened",
    "python -m harness run resnet50 -f torch --seeds 5": "the same command with one seed",
    "python -m harness compare torch-2.13 tf-2.21 --model resnet50": "commands/test_compare.py, with the toy",
    "python -m harness aa resnet50 -e torch-2.13 -n 20": "commands/test_compare.py, with the toy",
    WRAP: "the same command stands in docs/wrap.md, which is run below",
    "python -m harness pack RUN -o resnet50.capsule.zip": "commands/test_capsule.py, with a run that exists",
    "python -m harness inspect resnet50.capsule.zip": "commands/test_capsule.py",
    "python -m harness reproduce resnet50.capsule.zip --into again --yes": "commands/test_capsule.py",
}


def commands(path: Path) -> Iterator[str]:
    for block in re.findall(r"```sh\n(.*?)```", path.read_text(), re.DOTALL):
        for line in block.splitlines():
            command = line.partition("  #")[0].strip()
            if command:
                yield command


def files(path: Path) -> dict[str, str]:
    """Files that a page shows: a name in backquotes, then a block of toml or python."""
    found = re.findall(r"`(models/[^`]+)`:\n\n```(?:toml|python)\n(.*?)```", path.read_text(), re.DOTALL)
    return dict(found)


def run(workspace: Workspace, command: str) -> int:
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "harness"], f"not a command of ours: {command}"
    return workspace.harness(*words[3:]).returncode


def test_every_command_of_the_readme_answers(workspace: Workspace) -> None:
    workspace.add_toy()
    assert workspace.harness("run", "toy").returncode == 4  # so that there is something to report
    answers = {}
    for command in commands(REPOSITORY / "README.md"):
        if command not in ELSEWHERE:
            answers[command] = run(workspace, command)
    assert answers.pop("python -m harness report") == 4
    assert answers.pop("python -m harness check") == 4
    assert answers.pop("python -m harness history resnet50") == 2  # no run of resnet50 is stored here
    assert answers.pop("python -m harness status --max-age 26h") == 3  # no night was ever run here
    recorded = 'python -m harness baseline record resnet50 --reason "first baseline on this machine"'
    assert answers.pop(recorded) == 2  # no run of resnet50 is stored in this workspace
    assert set(answers.values()) == {0}
    assert len(answers) >= 4


def test_the_page_about_adding_a_model_is_true_to_the_letter(workspace: Workspace) -> None:
    page = REPOSITORY / "docs" / "add-a-model.md"
    shown = files(page)
    assert set(shown) == {"models/coin/model.toml", "models/coin/plain.py"}
    for name, text in shown.items():
        target = workspace.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    assert [run(workspace, command) for command in commands(page)] == [4, 4, 0, 0]


def test_the_page_about_your_own_script_is_true_to_the_letter(workspace: Workspace) -> None:
    (workspace.root / "train.py").write_text("import sys\nprint('accuracy:', 0.9 + int(sys.argv[2]) / 1000)\n")
    wrapped, *rest, compared = commands(REPOSITORY / "docs" / "wrap.md")
    assert wrapped == WRAP
    assert run(workspace, wrapped) == 0
    assert [run(workspace, command) for command in rest] == [4, 0, 0]
    one, *_, other = (path.name for path in workspace.runs())
    assert run(workspace, compared.replace("RUN RUN", f"{one} {other}")) == 0


def test_the_page_about_the_author_who_left_is_true_to_the_letter(workspace: Workspace, tmp_path: Path) -> None:
    """The author has a model of their own; whoever comes after has nothing but the archive."""
    workspace.add_toy(name="theirs")
    assert workspace.harness("run", "theirs", "--seeds", "2", "--max-seeds", "2").returncode == 4
    export, *rest = commands(REPOSITORY / "docs" / "handover.md")
    assert run(workspace, export) == 0
    (tmp_path / "heirs").mkdir()
    heirs = Workspace(tmp_path / "heirs")
    (workspace.root / "everything.tar.gz").rename(heirs.root / "everything.tar.gz")
    runs = " ".join(path.name for path in workspace.runs())
    answers = [run(heirs, command.replace("RUN", runs)) for command in rest]
    assert answers == [0, 0, 4, 0, 0]  # the report has nothing to compare with; the runs come out again
    again = sorted((heirs.root / "again" / ".harness" / "runs").iterdir())
    assert len(again) == 4


@pytest.mark.parametrize("name", ["environments.md", "datasets.md", "nightly.md"])
def test_the_commands_of_a_page_end_well(workspace: Workspace, name: str) -> None:
    found = list(commands(REPOSITORY / "docs" / name))
    assert found
    assert {command: run(workspace, command) for command in found} == dict.fromkeys(found, 0)


def test_the_pictures_are_drawn_by_the_projects_own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("draw", REPOSITORY / "docs" / "draw.py")
    assert spec
    assert spec.loader
    draw = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(draw)
    monkeypatch.setattr(draw, "FOLDER", tmp_path)
    draw.main()
    for name in ("decisions.svg", "history.svg"):
        assert (REPOSITORY / "docs" / "pictures" / name).is_file()
        ElementTree.parse(tmp_path / name)
    drawn = (tmp_path / "decisions.svg").read_text()
    assert [status in drawn for status in ("PASS", "REGRESSION", "IMPROVED", "INCONCLUSIVE")] == [True] * 4


def test_links_between_pages_lead_somewhere() -> None:
    for page in (REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md"), *(REPOSITORY / "models").rglob("*.md")):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page}: {target}"
