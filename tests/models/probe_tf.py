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
logits = small(tf.constant(twin["images"].transpose(0, 2, 3, 1)), training=False).numpy()
told["scale"] = float(numpy.abs(twin["logits"]).max())
told["difference"] = float(numpy.abs(logits - twin["logits"]).max())
sys.stdout.write(json.dumps(told))
