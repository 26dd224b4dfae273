"""Run in a TensorFlow environment, MODELS FOLDER: the same from the same weights, into FOLDER/tf.json."""

from __future__ import annotations

import json
import sys
import traceback
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy
import tensorflow as tf

module_of = import_module("importable").module_of
transfer = import_module("transfer")


def twin(module: ModuleType, asked: dict[str, Any], weights: Path, seen: Path) -> dict[str, Any]:
    with numpy.load(weights) as arrays:
        state = {name: array for name, array in arrays.items() if array.dtype.kind == "f"}
    model = loaded(module, asked, state, "float32")
    with numpy.load(seen) as arrays:
        images, theirs = tf.constant(arrays["images"].transpose(0, 2, 3, 1)), arrays["logits"]
    logits = outputs(model(images, training=False))[0].numpy()
    told: dict[str, Any] = {
        "parameters": parameters(model),
        "logits": float(numpy.abs(logits - theirs).max() / numpy.abs(theirs).max()),
    }
    if asked["trains"]:
        exact = loaded(module, asked, state, "float64")
        told.update(step(exact, asked, tf.cast(images, tf.float64), list(state)))
    return told


def loaded(module: ModuleType, asked: dict[str, Any], state: dict[str, numpy.ndarray], precision: str) -> Any:
    """The model with these weights; its last layer is in single precision whatever the others are in."""
    tf.keras.mixed_precision.set_global_policy(precision)
    model = module.build(asked["classes"], asked["hparams"])
    transfer.load(model, state)
    return model


def step(model: Any, asked: dict[str, Any], images: Any, names: list[str]) -> dict[str, Any]:
    labels = tf.range(len(images), dtype=tf.int64)
    with tf.GradientTape() as tape:
        every = outputs(model(images, training=True))
        losses = [
            tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, tf.cast(each, tf.float32)))
            for each in every
        ]
        loss = losses[0] + asked["hparams"].get("aux_weight", 0.0) * sum(losses[1:])
    named = transfer.pairs(model, names)
    trained = [(name, variable) for name, variable in named if variable.trainable]
    gradients = tape.gradient(loss, [value(variable) for _, variable in trained])
    means = [(name, variable) for name, variable in named if name.endswith("running_mean")]
    return {
        "loss": float(loss),
        "gradient": {name: float(tf.norm(each)) for (name, _), each in zip(trained, gradients, strict=True)},
        "means": {name: float(tf.norm(value(variable))) for name, variable in means},
    }


def value(variable: Any) -> Any:
    """What a tape watches: tf.Variable, which Keras 3 wraps."""
    return getattr(variable, "value", variable) if not isinstance(variable, tf.Variable) else variable


def outputs(found: Any) -> list[Any]:
    return list(found) if isinstance(found, (list, tuple)) else [found]


def parameters(model: Any) -> int:
    return sum(int(numpy.prod(each.shape)) for each in model.trainable_variables)


models, folder = Path(sys.argv[1]), Path(sys.argv[2])
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
torch_told = json.loads((folder / "torch.json").read_text())
told: dict[str, Any] = {}
for name, asked in json.loads((folder / "asked.json").read_text()).items():
    try:  # one broken model must not hide the others
        module = module_of(models / name, "tf")
        told[name] = twin(module, asked, folder / f"{name}.npz", folder / f"{name}_twin.npz")
        told[name]["published"] = told[name]["parameters"]
        if torch_told[name]["published"] != torch_told[name]["parameters"]:
            told[name]["published"] = parameters(module.build(asked["classes"], asked["published"]))
    except Exception:  # noqa: BLE001
        told[name] = {"error": traceback.format_exc()}
    tf.keras.backend.clear_session()
(folder / "tf.json").write_text(json.dumps(told))
