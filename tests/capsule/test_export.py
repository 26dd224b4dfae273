"""Runs in the words of other tools.

That mlflow 3.17.2, tensorboard 2.21.0, mlperf-logging 4.1.68 and huggingface_hub 2.4 read them was seen by hand with
these libraries (docs/export.md); here it is held to their formats without them.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.cli import cli
from harness.commands.export import export
from harness.core.errors import HarnessError
from harness.wire.event_files import read_scalars
from tests.conftest import REPOSITORY, open_at
from tests.test_docs import commands

FORMATS = ("mlflow", "tensorboard", "mlperf", "model-card")


def names(root: Path) -> list[str]:
    return sorted(path.name for path in (root / ".harness" / "runs").iterdir())


def block(text: str) -> dict[str, Any]:
    """YAML as we write it: a key, and JSON, which is YAML too."""
    return {line.partition(": ")[0]: json.loads(line.partition(": ")[2]) for line in text.splitlines()}


def record(root: Path, name: str) -> dict[str, float]:
    found: dict[str, float] = json.loads((root / ".harness" / "runs" / name / "record.json").read_text())["metrics"]
    return found


def test_tensorboard_gets_every_curve(packed: Path, tmp_path: Path) -> None:
    root = packed.parent
    export(open_at(root), names(root), "tensorboard", tmp_path / "logs")
    for name in names(root):
        [path] = (tmp_path / "logs" / name).glob("events.out.tfevents.*")
        with path.open("rb") as file:
            scalars = list(read_scalars(file))
        assert {each.tag for each in scalars} == {"top1", "loss", "samples_per_second"}
        top1 = [each for each in scalars if each.tag == "top1"]
        assert [each.step for each in top1] == list(range(20))
        assert top1[-1].value == pytest.approx(record(root, name)["top1"], abs=1e-7)


def test_mlflow_gets_runs_metrics_parameters_and_artefacts(packed: Path, tmp_path: Path) -> None:
    root = packed.parent
    export(open_at(root), names(root), "mlflow", tmp_path / "mlruns")
    [experiment] = (tmp_path / "mlruns").iterdir()
    meta = block((experiment / "meta.yaml").read_text())
    assert (meta["name"], meta["experiment_id"], meta["lifecycle_stage"]) == ("softmax", experiment.name, "active")
    runs = [path for path in experiment.iterdir() if path.is_dir()]
    assert sorted(block((run / "meta.yaml").read_text())["run_name"] for run in runs) == names(root)
    for run in runs:
        meta = block((run / "meta.yaml").read_text())
        assert (meta["run_id"], meta["experiment_id"], meta["status"]) == (run.name, experiment.name, 3)
        assert meta["artifact_uri"] == f"{experiment.name}/{run.name}/artifacts"  # no folder of this machine
        lines = [line.split() for line in (run / "metrics" / "top1").read_text().splitlines()]
        assert [int(step) for _, _, step in lines] == list(range(20))
        assert float(lines[-1][1]) == record(root, meta["run_name"])["top1"]
        assert (run / "params" / "learning_rate").read_text() == "0.1"
        assert json.loads((run / "artifacts" / "record.json").read_text())["id"] == meta["run_name"]


def test_mlperf_gets_lines_in_the_order_that_its_checker_wants(packed: Path, tmp_path: Path) -> None:
    root = packed.parent
    export(open_at(root), names(root), "mlperf", tmp_path / "logs")
    name = names(root)[0]
    lines = (tmp_path / "logs" / f"{name}.log").read_text().splitlines()
    assert all(line.startswith(":::MLLOG {") for line in lines)
    said = [json.loads(line.removeprefix(":::MLLOG ")) for line in lines]
    assert all(set(each) == {"namespace", "time_ms", "event_type", "key", "value", "metadata"} for each in said)
    times = [each["time_ms"] for each in said]
    assert times == sorted(times)
    keys = [each["key"] for each in said]
    once = ("submission_benchmark", "submission_org", "submission_division", "submission_platform", "init_stop",
            "run_start", "run_stop", "seed", "global_batch_size", "train_samples", "eval_samples")  # fmt: skip
    assert [keys.count(key) for key in once] == [1] * len(once)
    assert keys.index("init_start") < keys.index("init_stop") < keys.index("run_start") < keys.index("epoch_start")
    assert [keys.count(key) for key in ("epoch_start", "epoch_stop", "eval_start", "eval_stop", "eval_accuracy")] == [
        20
    ] * 5
    values = {each["key"]: each["value"] for each in said}
    assert (values["train_samples"], values["eval_samples"], values["global_batch_size"]) == (1437, 360, 32)
    assert values["eval_accuracy"] == record(root, name)["top1"]
    assert said[-1]["metadata"]["status"] == "success"


def test_the_card_says_the_numbers_twice_and_alike(packed: Path, tmp_path: Path) -> None:
    root = packed.parent
    export(open_at(root), names(root), "model-card", tmp_path / "README.md")
    _, metadata, text = (tmp_path / "README.md").read_text().split("---\n", 2)
    [model] = block(metadata)["model-index"]
    [result] = model["results"]
    values = [record(root, name)["top1"] for name in names(root)]
    assert result["metrics"][0]["value"] == pytest.approx(sum(values) / len(values))
    assert (result["task"]["type"], result["dataset"]["name"], result["dataset"]["split"]) == (
        "image-classification", "digits", "test",
    )  # fmt: skip
    assert "verified" not in metadata  # the Hub's word for what it measured itself
    assert f"| {result['metrics'][0]['value']:.6g} |" in text
    assert "| 2       |" in text
    assert "harness reproduce softmax.capsule.zip" in text
    for word in ("learning_rate", "CC BY 4.0", "numpy", "softmax/digits in numpy-2.4: top1"):
        assert word in text


@pytest.mark.parametrize("format", FORMATS)
def test_equal_runs_give_equal_bytes_and_nothing_of_this_machine(packed: Path, tmp_path: Path, format: str) -> None:
    runs = names(packed.parent)
    export(open_at(packed.parent), runs, format, tmp_path / "one")
    export(open_at(packed.parent), list(reversed(runs)), format, tmp_path / "other")
    files = [path for path in (tmp_path / "one", *(tmp_path / "one").rglob("*")) if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        assert content == (tmp_path / "other" / path.relative_to(tmp_path / "one")).read_bytes()
        for hidden in (str(packed.parent), f"{Path.home()}/", "environments/numpy"):
            assert hidden.encode() not in content, (path, hidden)


def test_the_page_about_exports_is_true_to_the_letter(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one, other = names(packed.parent)
    found = list(commands(REPOSITORY / "docs" / "export.md"))
    for command in found:
        words = shlex.split(command.replace("RUN RUN", f"{one} {other}").replace("RUN", one))[3:]
        done = CliRunner().invoke(cli, ["--workspace", str(packed.parent), *words, "--json"], standalone_mode=False)
        assert done.exception is None, command
        assert json.loads(done.stdout)["files"]
    assert len(found) == len(FORMATS) == len(list(tmp_path.iterdir()))


def test_what_cannot_be_written_is_said(packed: Path, tmp_path: Path) -> None:
    workspace, runs = open_at(packed.parent), names(packed.parent)
    with pytest.raises(HarnessError, match="exists"):
        export(workspace, runs, "mlperf", tmp_path)
    with pytest.raises(HarnessError, match="no run nothing is stored"):
        export(workspace, ["nothing"], "mlperf", tmp_path / "x")
    assert list(tmp_path.iterdir()) == []
