"""Run in a TensorFlow environment, MODELS FOLDER: the same from PyTorch's weights, and how far the twins are apart."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path

import numpy
import tensorflow as tf

models, folder = Path(sys.argv[1]), Path(sys.argv[2])
asked = json.loads((folder / "asked.json").read_text())
sys.path.insert(0, str(models / "mc-dropout"))
mc, splits = import_module("tf"), import_module("splits")

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
tf.keras.utils.set_random_seed(0)
data, twin = numpy.load(folder / "data.npz"), numpy.load(folder / "twin.npz")
x, y, block = (tf.constant(data[name]) for name in ("x", "y", "block"))
count, samples, features = x.shape
still = {**asked["hparams"], "dropout": [0.0] * count}
decay = tf.constant(splits.weight_decay(samples, still))
model = mc.build(features, still)
names = ("first", "first_bias", "last", "last_bias")
weights = [getattr(model, name) for name in names]
told: dict[str, object] = {"parameters": sum(int(numpy.prod(each.shape)) for each in model.trainable_weights)}


def arrays(prefix: str) -> list[numpy.ndarray]:
    return [twin[prefix + name] for name in names]


def apart(ours: list[numpy.ndarray], theirs: list[numpy.ndarray]) -> float:
    """The largest difference, as a share of the largest number of its array; the worst array counts."""
    assert [each.shape for each in ours] == [each.shape for each in theirs]
    return max(float(numpy.abs(a - b).max() / numpy.abs(b).max()) for a, b in zip(ours, theirs, strict=True))


for weight, array in zip(weights, arrays("before "), strict=True):
    weight.assign(array)
with tf.GradientTape() as tape:
    loss = mc.objective(model, x, y, decay)
gradients = tape.gradient(loss, weights)
told["target"] = apart([model.target(x).numpy()], [twin["target"]])
told["gradients"] = apart([each.numpy() for each in gradients], arrays("gradient "))

train_epochs = mc.make_train_epochs(model, x, y, decay, still)
told["losses"] = [float(train_epochs(block)) for _ in range(asked["compared"])]
moved = [after - before for after, before in zip(arrays("after "), arrays("before "), strict=True)]
ours = [each.numpy() - before for each, before in zip(weights, arrays("before "), strict=True)]
parted = sum(float(((a - b) ** 2).sum()) for a, b in zip(ours, moved, strict=True))
told["moves"] = (parted / sum(float((each**2).sum()) for each in moved)) ** 0.5

# With dropout, as the recipe has it.
model = mc.build(features, asked["hparams"])
train_epochs = mc.make_train_epochs(model, x, y, decay, asked["hparams"])
told["trained"] = [float(train_epochs(block)) for _ in range(asked["steps"])]
rates = mc.build(features, {**still, "dropout": asked["rates"]})
kept = rates.thinned(tf.ones((len(asked["rates"]), 1000, 50))).numpy()
told["dropped"] = (kept == 0).mean(axis=(1, 2)).tolist()
told["kept"] = kept.mean(axis=(1, 2)).tolist()
passes = list(mc.predict(model, x, {**asked["hparams"], "passes": 20, "passes_at_once": 10}))
told["shapes"] = [each.shape for each in passes]
told["differ"] = bool((passes[0][:, 0] != passes[0][:, 1]).any())
sys.stdout.write(json.dumps(told))
