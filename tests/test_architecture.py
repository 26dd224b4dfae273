"""What holds of the whole house."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from harness.cli import cli
from harness.registry import load_baseline, load_models
from tests.conftest import REPOSITORY, open_at

OPTIONS = """
cli --workspace --data-dir --version
aa model -n --recipe --environment --budget --device --threads --json
baseline
baseline record model --recipe --environment --reason --runs --earlier --json
certify
certify resume model --recipe --framework --environment --seed --device --threads --json
check model --json
compare sides --model --recipe --max-pairs --budget --device --threads --json
data
data fetch name --json
data list --json
data prepare name --short-side --into --json
data verify name --json
env
env add requirement --name --json
env build name --json
env discover package --since --json
env list --json
env lock name --json
env remove name --json
export runs --format --output --json
history model --recipe --metric --figure --json
index
index rebuild --json
inspect file --json
lineage run --json
list --json
machine --json
matrix --models --environments --recipes --seeds --max-seeds --budget --resume --dry-run --json
nightly --dry-run --json
pack runs --output --with-wheels --with-data --with-weights --include-host --json
report model --format --json
reproduce file --into --yes --environment --threads --allow-index --json
run model --all --recipe --framework --environment --seed --seeds --max-seeds --resume --init-from --keep-weights \
--budget --device --threads --devices --jobs --json
runs
runs export --model --night file --json
runs import file --json
runs list --model --json
status --max-age --json
whence file --json
wrap --name --metric --log --logged --lower --seed command --json
"""


def test_the_layers_are_kept() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    ended = subprocess.run([lint], capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_options_are_frozen() -> None:
    """Flags choose; they never describe a model.  A new one is a decision: write it here as well."""

    def lines(command: click.Command, path: tuple[str, ...]) -> Iterator[str]:
        names = [max(parameter.opts, key=len) for parameter in command.params]
        yield " ".join((*(path or ("cli",)), *names))
        if isinstance(command, click.Group):
            for name in sorted(command.commands):
                yield from lines(command.commands[name], (*path, name))

    assert list(lines(cli, ())) == OPTIONS.strip().splitlines()


def test_no_model_is_named_in_the_machinery() -> None:
    models = [folder.name for folder in (REPOSITORY / "models").iterdir() if (folder / "model.toml").exists()]
    assert models
    for path in (REPOSITORY / "harness").rglob("*.py"):
        text = path.read_text()
        named = [name for name in models if f'"{name}"' in text or f"'{name}'" in text]
        assert not named, f"{path} names {named}"


def test_every_model_has_a_baseline_and_every_reference_a_source() -> None:
    workspace = open_at(REPOSITORY)
    for spec in load_models(workspace):
        references = load_baseline(workspace, spec).references
        page = (REPOSITORY / "models" / spec.name / "README.md").read_text()
        assert references or "`NO_BASELINE`" in page, f"{spec.name} has no baseline, and its README does not say so"
        assert all(reference.source for reference in references)


def test_no_name_says_nothing() -> None:
    empty = {"utils", "helpers", "common", "base", "manager", "misc"}
    found = {path.stem for folder in ("harness", "reports") for path in (REPOSITORY / folder).rglob("*.py")}
    assert not found & empty


def test_the_worker_sees_only_the_wire() -> None:
    for path in (REPOSITORY / "harness" / "worker").rglob("*.py"):
        for line in path.read_text().splitlines():
            if line.lstrip().startswith(("from harness", "import harness")):
                assert line.lstrip().startswith(
                    ("from harness.worker", "from harness.wire", "from harness import wire")
                )
