"""Run in a TensorFlow environment, MODELS FOLDER: prints parameters, shapes and how far the twins are apart."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path

import numpy
import tensorflow as tf

models, folder = Path(sys.argv[1]), Path(sys.argv[2])
sys.path.insert(0, str(models / "resnet50"))
resnet50 = import_module("tf")

told: dict[str, object] = {}
published = resnet50.build(1000)
told["parameters"] = sum(int(numpy.prod(each.shape)) for each in published.trainable_variables)
small = resnet50.build(10)
for model, side in ((published, 224), (small, 32)):
    told[f"shape {side}"] = list(model(tf.zeros((1, side, side, 3)), training=False).shape)

twin = numpy.load(folder / "twin.npz")
for layer in small.layers:
    name = layer.name
    if name + ".running_mean" in twin:
        parts = ("weight", "bias", "running_mean", "running_var")
        layer.set_weights([twin[f"{name}.{part}"] for part in parts])
    elif name == "fc":
        layer.set_weights([twin["fc.weight"].T, twin["fc.bias"]])
    elif layer.weights:  # a kernel: out, in, height, width -> height, width, in, out
        layer.set_weights([twin[name + ".weight"].transpose(2, 3, 1, 0)])
images, labels = tf.constant(twin["images"].transpose(0, 2, 3, 1)), tf.range(len(twin["images"]), dtype=tf.int64)
logits = small(images, training=False).numpy()
told["scale"] = float(numpy.abs(twin["logits"]).max())
told["difference"] = float(numpy.abs(logits - twin["logits"]).max())


def apart(layer: tf.keras.layers.Layer, gradients: list[numpy.ndarray]) -> float:
    """The largest difference to PyTorch's gradient, as a share of the largest number of its array."""
    theirs = [twin[f"gradient {layer.name}.{part}"] for part in ("weight", "bias")[: len(gradients)]]
    turned = [each.transpose(2, 3, 1, 0) if each.ndim == 4 else each.T for each in theirs]
    return max(float(numpy.abs(a - b).max() / numpy.abs(b).max()) for a, b in zip(gradients, turned, strict=True))


hparams = json.loads((folder / "hparams.json").read_text())
train_step = resnet50.make_train_step(small, hparams)  # before the statistics of the norms move
before = small.get_weights()
with tf.GradientTape() as tape:
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, small(images, training=True))
    loss = tf.reduce_mean(losses)
trained = [layer for layer in small.layers if layer.trainable_weights]
found = tape.gradient(loss, [layer.trainable_weights for layer in trained])
told["gradient"] = max(
    apart(layer, [each.numpy() for each in gradients]) for layer, gradients in zip(trained, found, strict=True)
)
small.set_weights(before)
rate = tf.constant(hparams["learning_rate"], tf.float32)
told["losses"] = [float(train_step(images, labels, rate)) for _ in range(4)]
sys.stdout.write(json.dumps(told))
