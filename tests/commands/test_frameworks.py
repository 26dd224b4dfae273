"""Built-in models in their real frameworks: the recipe shortened, all else as it is."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy
import pytest
from PIL import Image

from harness import environments
from harness.registry import builtin_shelf
from tests.conftest import REPOSITORY, Workspace


def shorten(workspace: Workspace, model: str, **changes: int) -> None:
    """Shadow a built-in model by a copy whose integer hyper-parameters are smaller."""
    folder = workspace.root / "models" / model
    shutil.copytree(REPOSITORY / "models" / model, folder)
    text = (folder / "model.toml").read_text()
    for name, value in changes.items():
        text = re.sub(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.MULTILINE)
    (folder / "model.toml").write_text(text)


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_the_same_seed_trains_the_same_weights_and_another_seed_others(workspace: Workspace, framework: str) -> None:
    shorten(workspace, "ts-fcn", epochs=4)
    for seed in ("1", "1", "2"):
        ended = workspace.harness("run", "ts-fcn", "-f", framework, "--seed", seed, "--max-seeds", "1", "--json")
        assert ended.json["runs"][0]["status"] == "finished", ended.stdout
    records = [json.loads((run / "record.json").read_text()) for run in workspace.runs()]
    first, again, other = (record["digests"] for record in records)
    assert first == again
    assert first["weights_final"] != other["weights_final"]
    assert first["weights_final"] != first["weights_initial"]
    assert first["first_batches"] != other["first_batches"]
    assert all(record["deterministic"] for record in records)
    assert all(record["settings"]["framework_threads"] == record["job"]["threads"] for record in records)


def test_both_frameworks_see_the_same_batches(workspace: Workspace) -> None:
    shorten(workspace, "ts-fcn", epochs=1)
    workspace.harness("run", "ts-fcn", "--seed", "3", "--max-seeds", "1")
    records = [json.loads((run / "record.json").read_text()) for run in workspace.runs()]
    torch, tensorflow = (record["digests"]["first_batches"] for record in records)
    assert torch == tensorflow
    assert records[0]["parameters"] == records[1]["parameters"]


def test_the_oldest_versions_train_the_same_model_on_the_same_batches(workspace: Workspace) -> None:
    """TensorFlow 2.12 has Keras 2 and NumPy 1; PyTorch 1.13 is Debian's own, an interpreter given by path."""
    shorten(workspace, "ts-fcn", epochs=1)
    environment = environments.load_environment((builtin_shelf(),), "torch-1.13-debian")
    debian = environments.find_built(environment, workspace.state)
    asked = ["-e", "tf-2.12", *(["-e", "torch-1.13-debian"] if debian else [])]
    ended = workspace.harness("run", "ts-fcn", *asked, "--seed", "0", "--max-seeds", "1", "--json")
    records = {
        run["environment"]: json.loads((Path(run["path"]) / "record.json").read_text()) for run in ended.json["runs"]
    }
    for record in records.values():
        assert record["status"] == "finished", record["reason"]
        assert record["deterministic"] is not False
        assert record["digests"]["weights_final"] != record["digests"]["weights_initial"]
    assert records["tf-2.12"]["libraries"]["keras"].startswith("2.12")
    assert records["tf-2.12"]["packages"]["numpy"].startswith("1.")
    if debian is None:
        pytest.skip("Debian's python3-torch is not installed; the half with TensorFlow passed")
    old = records["torch-1.13-debian"]
    assert old["libraries"]["torch"].startswith("1.13")
    assert old["digests"]["environment"] == debian.environment.digest
    assert old["digests"]["first_batches"] == records["tf-2.12"]["digests"]["first_batches"]
    assert old["parameters"] == records["tf-2.12"]["parameters"]


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_resnet50_has_the_published_number_of_parameters_and_a_speed(workspace: Workspace, framework: str) -> None:
    shorten(workspace, "resnet50", warmup_steps=1, steps=2, batch_size_cpu=2)
    ended = workspace.harness("run", "resnet50", "-f", framework, "--recipe", "speed", "--max-seeds", "1", "--json")
    record = json.loads((workspace.runs()[0] / "record.json").read_text())
    assert ended.json["runs"][0]["status"] == "finished", record["reason"]
    assert record["parameters"] == 25_557_032
    assert record["metrics"]["samples_per_second"] > 0
    assert record["measurement"]["matmul_flops_per_second"] > 1e9


def make_imagenet(root: Path) -> None:
    """Six classes of real JPEGs, of a hue each, in many sizes and in the colour modes that ImageNet has."""
    random = numpy.random.RandomState(0)
    for split, images in (("train", 8), ("val", 4)):
        for label in range(6):
            folder = root / "imagenet" / split / f"n0000000{label}"
            folder.mkdir(parents=True)
            for number in range(images):
                height, width = random.randint(40, 120, 2)
                pixels = random.randint(0, 80, (height, width, 3)) + numpy.array(HUES[label])
                mode = ("L", "CMYK", "RGB")[min(number, 2)] if label == 0 else "RGB"
                Image.fromarray(pixels.astype(numpy.uint8)).convert(mode).save(folder / f"{split}_{number}.JPEG")


HUES = ((160, 0, 0), (0, 160, 0), (0, 0, 160), (160, 160, 0), (0, 160, 160), (160, 0, 160))


def test_imagenet_starts_as_soon_as_its_images_are_there(workspace: Workspace, tmp_path: Path) -> None:
    shorten(workspace, "resnet50", epochs=2, batch_size=16, image_size=64, eval_batch_size=12)
    make_imagenet(tmp_path / "data")
    ended = workspace.harness("--data-dir", str(tmp_path / "data"), "run", "resnet50", "--recipe", "imagenet", "--json")
    torch, tensorflow = (json.loads((run / "record.json").read_text()) for run in workspace.runs())
    for record in (torch, tensorflow):
        assert record["status"] == "finished", record["reason"]
        assert 0 <= record["metrics"]["top1"] <= record["metrics"]["top5"] <= 1
        assert len(record["curves"]["loss"]) == 2
        assert record["data"]["splits"]["train"]["samples"] == 48
    assert torch["digests"]["first_batches"] == tensorflow["digests"]["first_batches"]
    # Not ImageNet, so its published accuracy is not what this is held against.
    assert ended.returncode == 4
    assert {verdict["status"] for verdict in ended.json["verdicts"]} == {"NO_BASELINE"}
    assert "train has 48 of 1,281,167 images" in ended.json["verdicts"][0]["sentence"]


def test_imagenet_says_what_is_missing(workspace: Workspace) -> None:
    ended = workspace.harness("run", "resnet50", "--recipe", "imagenet", HARNESS_DATA_DIR="")
    assert ended.returncode == 3
    for said in (
        "imagenet/train/<class>/*.JPEG",
        "TFRecord files imagenet/train-00000-of-01024",
        "1,281,167 images to train (138 GB as published) and 50,000 to validate (6.3 GB)",
        "how long it would take here is told once its speed is: harness run resnet50 --recipe speed",
        "--data-dir",
    ):
        assert said in ended.stderr
