"""Run in a TensorFlow environment, MODELS FOLDER: prints parameters, shapes and how far the twins are apart."""

from __future__ import annotations

import json
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy
import tensorflow as tf

models, folder = Path(sys.argv[1]), Path(sys.argv[2])
resnet50 = import_module("importable").module_of(models / "resnet50", "tf")
architecture = tomllib.loads((models / "resnet50" / "model.toml").read_text())["architecture"]

told: dict[str, object] = {}
published = resnet50.build(1000, architecture)
told["parameters"] = sum(int(numpy.prod(each.shape)) for each in published.trainable_variables)
small = resnet50.build(10, architecture)
for model, side in ((published, 224), (small, 32)):
    told[f"shape {side}"] = list(model(tf.zeros((1, side, side, 3)), training=False).shape)

twin = numpy.load(folder / "twin.npz")


def start(model: tf.keras.Model) -> None:
    """PyTorch's weights."""
    for layer in model.layers:
        name = layer.name
        if name + ".running_mean" in twin:
            parts = ("weight", "bias", "running_mean", "running_var")
            layer.set_weights([twin[f"{name}.{part}"] for part in parts])
        elif name == "fc":
            layer.set_weights([twin["fc.weight"].T, twin["fc.bias"]])
        elif layer.weights:  # a kernel: out, in, height, width -> height, width, in, out
            layer.set_weights([twin[name + ".weight"].transpose(2, 3, 1, 0)])


start(small)
images, labels = tf.constant(twin["images"].transpose(0, 2, 3, 1)), tf.range(len(twin["images"]), dtype=tf.int64)
logits = small(images, training=False).numpy()
told["scale"] = float(numpy.abs(twin["logits"]).max())
told["difference"] = float(numpy.abs(logits - twin["logits"]).max())

hparams = json.loads((folder / "hparams.json").read_text())
step = resnet50.training_tf.Step(small, SimpleNamespace(hparams=hparams, together=lambda: (0, 1)))
told["losses"] = [float(step(images, labels, hparams["learning_rate"], None, len(images))) for _ in range(4)]


def apart(layer: tf.keras.layers.Layer, gradients: list[numpy.ndarray]) -> float:
    """The largest difference to PyTorch's gradient, as a share of the largest number of its array.

    A bias before a norm has no gradient but rounding.
    """
    theirs = [twin[f"gradient {layer.name}.{part}"] for part in ("weight", "bias")[: len(gradients)]]
    turned = [each.transpose(2, 3, 1, 0) if each.ndim == 4 else each.T for each in theirs]
    pairs = zip(gradients, turned, strict=True)
    return max(float(numpy.abs(a - b).max() / max(numpy.abs(b).max(), 1e-3)) for a, b in pairs)


def normalised(kind: type, pixels: tf.Tensor) -> tuple[numpy.ndarray, ...]:
    """Outputs, gradients and averages of a normalisation, twice in training and once not."""
    layer = kind(momentum=0.9, epsilon=1e-5, gamma_initializer="uniform", beta_initializer="ones")
    layer.build(pixels.shape)
    layer.set_weights([numpy.linspace(0.5, 2.0, array.size, dtype=array.dtype) for array in layer.get_weights()])
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        outputs = [layer(pixels, training=training) for training in (True, True, False)]
        total = sum(tf.reduce_sum(tf.sin(output)) for output in outputs)
    found = tape.gradient(total, [pixels, *layer.trainable_weights])
    return (*(each.numpy() for each in (*outputs, *found)), *layer.get_weights())


pixels = 3.0 * images + 1.0
ours, keras = (
    normalised(kind, pixels) for kind in (resnet50.layers_tf.BatchNormalization, tf.keras.layers.BatchNormalization)
)
told["norm"] = [float(numpy.abs(a - b).max() / numpy.abs(b).max()) for a, b in zip(ours, keras, strict=True)]

tf.keras.backend.set_floatx("float64")  # as in PyTorch's probe; the last layer stays in single precision
tf.keras.mixed_precision.set_global_policy("float64")
for kind in ("library's", "own"):
    exact = resnet50.build(10, architecture)
    start(exact)
    if kind == "own":
        resnet50.training_tf.with_own_gradients(exact)
        told["own"] = [layer.name for layer in exact.layers if "convolution_op" in vars(layer)]
    with tf.GradientTape() as tape:
        logits = exact(tf.cast(images, tf.float64), training=True)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
    trained = [layer for layer in exact.layers if layer.trainable_weights]
    found = tape.gradient(loss, [layer.trainable_weights for layer in trained])
    told[f"{kind} gradient"] = max(
        apart(layer, [each.numpy() for each in gradients]) for layer, gradients in zip(trained, found, strict=True)
    )
sys.stdout.write(json.dumps(told))
