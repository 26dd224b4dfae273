"""Run in a framework's environment, MODELS DATA FOLDER FRAMEWORK: the time-series models on GunPoint.

PyTorch comes first and saves each model's weights, input, logits and first gradient.  Prints parameters,
FLOPs, how far TensorFlow is from what was saved, and the losses of a short training from those weights.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy

models, data, folder, framework = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
NAMES = ("ts-mlp", "ts-fcn", "ts-resnet")
SETS = {  # length and classes
    "ucr-italy-power-demand": (24, 2),
    "ucr-gunpoint": (150, 2),
    "ucr-arrowhead": (251, 3),
    "ucr-osuleaf": (427, 6),
    "ucr-adiac": (176, 37),
}
EPOCHS = 4  # of ten steps
SERIES = 16  # in the batch whose logits and gradient are compared

Arrays = dict[str, numpy.ndarray]


def recipe_of(name: str, recipe: str) -> dict[str, Any]:
    """Hyper-parameters as published, but for what differs between frameworks.

    That is the draws of dropout, and where Adam adds its epsilon: Keras does it before the bias is
    corrected, PyTorch after, so that in the first steps Keras' counts up to thirty times as much.
    """
    recipes = tomllib.loads((models / name / "model.toml").read_text())["recipes"]
    hparams: dict[str, Any] = recipes[recipe]["hyperparameters"]
    unlike = {"dropout": [0.0] * 4} if name == "ts-mlp" else {"epsilon": 1e-12}
    return {**hparams, **unlike, "epochs": EPOCHS}


def build(name: str, module: ModuleType, recipe: str) -> Any:
    length, classes = SETS[recipe]
    sizes = (length, classes) if name == "ts-mlp" else (classes,)
    return module.build(*sizes, recipe_of(name, recipe))


class Rehearsal:
    """What ``train`` needs of a Run: GunPoint in file order; it starts from given weights and keeps the losses."""

    device = "cpu"
    classes = 2

    def __init__(self, name: str, start: Callable[[Any], None]) -> None:
        self.hparams = recipe_of(name, "ucr-gunpoint")
        self.losses: list[float] = []
        self.accuracy = 0.0
        self._start = start

    def arrays(self, split: str) -> tuple[numpy.ndarray, numpy.ndarray]:
        return numpy.load(data / f"{split}_x.npy"), numpy.load(data / f"{split}_y.npy")

    def epochs(self) -> Iterator[int]:
        yield from range(self.hparams["epochs"])

    def batches(self, split: str) -> Iterator[tuple[numpy.ndarray, numpy.ndarray]]:
        x, y = self.arrays(split)
        size = self.hparams["batch_size"]
        for start in range(0, len(y), size):
            yield x[start : start + size], y[start : start + size]

    def steps(self, batches: Iterator[Any]) -> Iterator[Any]:
        return batches

    def loss(self, value: Any) -> None:
        self.losses.append(float(value))

    def metric(self, name: str, value: float) -> None:
        assert name == "accuracy"
        self.accuracy = value

    def weights(self, moment: str, model: Any) -> None:
        if moment == "initial":
            self._start(model)

    def keep(self, **_parts: Any) -> None:
        pass


def rehearse(name: str, module: ModuleType, start: Callable[[Any], None]) -> dict[str, Any]:
    run = Rehearsal(name, start)
    module.train(run)
    return {"losses": run.losses, "accuracy": run.accuracy}


def probe_torch(name: str) -> dict[str, Any]:
    import torch
    from torch import nn
    from torch.utils.flop_counter import FlopCounterMode

    torch.set_num_threads(1)
    torch.manual_seed(0)
    module = import_module("importable").module_of(models / name, "pytorch")
    counted = (nn.Linear, nn.Conv1d, nn.BatchNorm1d)

    def in_keras_form(layer: Any, weight: Any, bias: Any) -> list[numpy.ndarray]:
        """A kernel is out, in, width -> width, in, out, or out, in -> in, out."""
        kernel = weight.detach().numpy()
        return [kernel if isinstance(layer, nn.BatchNorm1d) else kernel.T, bias.detach().numpy()]

    told: dict[str, Any] = {"parameters": {}, "forward_flops": {}}
    for recipe, (length, _) in SETS.items():
        model = build(name, module, recipe).eval()
        told["parameters"][recipe] = sum(each.numel() for each in model.parameters())
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            model(torch.zeros(1, length) if name == "ts-mlp" else torch.zeros(1, 1, length))
        told["forward_flops"][recipe] = counter.get_total_flops()

    model = build(name, module, "ucr-gunpoint")
    layers = {path: layer for path, layer in model.named_modules() if isinstance(layer, counted)}
    for layer in layers.values():  # so that what starts at 0 or 1 is told apart
        if isinstance(layer, nn.BatchNorm1d):
            for array in (layer.weight, layer.bias, layer.running_mean, layer.running_var):
                array.data.uniform_(0.5, 1.5)
    start = {key: value.clone() for key, value in model.state_dict().items()}
    saved: dict[str, Any] = {}
    for path, layer in layers.items():
        arrays = in_keras_form(layer, layer.weight, layer.bias)
        if isinstance(layer, nn.BatchNorm1d):
            arrays += [layer.running_mean.numpy(), layer.running_var.numpy()]
        saved.update({f"weight {path} {place}": array.copy() for place, array in enumerate(arrays)})

    # In double precision a difference between the twins is one of the rules, not of rounding.
    model = model.double()
    x, y = numpy.load(data / "train_x.npy")[:SERIES], numpy.load(data / "train_y.npy")[:SERIES]
    series = torch.from_numpy(x.astype(float))
    series = series[:, 0] if name == "ts-mlp" else series
    with torch.no_grad():
        saved["logits"] = model.eval()(series).numpy()
    nn.functional.cross_entropy(model.train()(series), torch.from_numpy(y)).backward()
    for path, layer in layers.items():
        arrays = in_keras_form(layer, layer.weight.grad, layer.bias.grad)
        saved.update({f"gradient {path} {place}": array for place, array in enumerate(arrays)})
    numpy.savez(folder / f"{name}.npz", **saved)
    return {**told, **rehearse(name, module, lambda fresh: fresh.load_state_dict(start))}


def probe_tensorflow(name: str) -> dict[str, Any]:
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    module = import_module("importable").module_of(models / name, "tf")
    saved: Arrays = dict(numpy.load(folder / f"{name}.npz"))
    parameters = {
        recipe: sum(int(numpy.prod(each.shape)) for each in build(name, module, recipe).trainable_weights)
        for recipe in SETS
    }

    def set_precision(name: str) -> None:
        tf.keras.backend.set_floatx(name)
        tf.keras.mixed_precision.set_global_policy(name)

    def start(model: Any) -> None:
        for layer, path in partners(model, saved).items():
            layer.set_weights([saved[f"weight {path} {place}"] for place in range(len(layer.weights))])

    set_precision("float64")
    model = build(name, module, "ucr-gunpoint")
    start(model)
    x, y = numpy.load(data / "train_x.npy")[:SERIES].astype(float), numpy.load(data / "train_y.npy")[:SERIES]
    series = tf.constant(x[:, 0] if name == "ts-mlp" else x.transpose(0, 2, 1))
    logits = model(series, training=False).numpy()
    with tf.GradientTape() as tape:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, model(series, training=True))
        loss = tf.reduce_mean(losses)
    weights = {
        f"gradient {path} {place}": weight
        for layer, path in partners(model, saved).items()
        for place, weight in enumerate(layer.trainable_weights)
    }
    gradients = zip(weights, tape.gradient(loss, list(weights.values())), strict=True)
    apart = [relative(gradient.numpy(), saved[key]) for key, gradient in gradients]
    set_precision("float32")
    return {
        "parameters": parameters,
        "logits": relative(logits, saved["logits"]),
        "gradient": max(apart),
        **rehearse(name, module, start),
    }


def partners(model: Any, saved: Arrays) -> dict[Any, str]:
    """The path of each layer's PyTorch twin: of the same name, else the next of its kind."""
    paths = list(dict.fromkeys(key.split()[1] for key in saved if key.startswith("weight ")))
    norms = [path for path in paths if f"weight {path} 3" in saved]
    waiting = {"BatchNormalization": iter(norms)}
    waiting["Dense"] = waiting["Conv1D"] = iter([path for path in paths if path not in norms])
    found = {}
    for layer in model.layers:
        if layer.weights:
            found[layer] = layer.name if layer.name in paths else next(waiting[type(layer).__name__])
    return found


def relative(ours: numpy.ndarray, theirs: numpy.ndarray) -> float:
    """The largest difference over the largest value; a bias before a norm has no gradient but rounding."""
    assert ours.shape == theirs.shape
    return float(numpy.abs(ours - theirs).max() / max(numpy.abs(theirs).max(), 1e-9))


probe = {"torch": probe_torch, "tensorflow": probe_tensorflow}[framework]
sys.stdout.write(json.dumps({name: probe(name) for name in NAMES}))
