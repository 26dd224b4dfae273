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
cnn = import_module("importable").module_of(models / asked["model"], "tf")

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
batch, twin = numpy.load(folder / "batch.npz"), numpy.load(folder / "twin.npz")
x, y = cnn.inputs(batch["x"]), tf.constant(batch["y"])
model = cnn.build(*asked["sizes"], asked["hparams"])
names = [layer.name for layer in model.layers if layer.weights]
told: dict[str, object] = {"parameters": sum(int(numpy.prod(each.shape)) for each in model.trainable_variables)}


def as_keras(name: str, array: numpy.ndarray) -> numpy.ndarray:
    """A convolution's kernel is out, in, place in PyTorch; place, in, out here.  Pixels are read row by row, last
    the channel, so fc1 of the images has its inputs in another order."""
    if asked["model"] == "fashion-cnn" and name == "fc1.weight":
        filters = asked["hparams"]["filters"]
        array = array.reshape(len(array), filters, 5, 5).transpose(0, 2, 3, 1).reshape(len(array), -1)
    if name.startswith("embedding") or array.ndim == 1:
        return array
    return numpy.moveaxis(array, (0, 1), (-1, -2))


def arrays(prefix: str) -> list[numpy.ndarray]:
    """PyTorch's, in the order of Keras' trainable variables."""
    parts = [f"{name}.{part}" for name in names for part in ("weight", "bias")]
    return [as_keras(part, twin[prefix + part]) for part in parts if prefix + part in twin]


def apart(ours: list[numpy.ndarray], theirs: list[numpy.ndarray]) -> float:
    """The largest difference, as a share of the largest number of its array; the worst array counts."""
    assert [each.shape for each in ours] == [each.shape for each in theirs]
    return max(float(numpy.abs(a - b).max() / numpy.abs(b).max()) for a, b in zip(ours, theirs, strict=True))


model.set_weights(arrays("before "))
weights = model.trainable_variables
with tf.GradientTape() as tape:
    logits = model(x, training=True)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))
gradients = tape.gradient(loss, weights)
if hasattr(cnn, "without_padding"):
    gradients = [cnn.without_padding(each) for each in gradients]
told["logits"] = apart([logits.numpy()], [twin["logits"]])
told["gradients"] = apart([tf.convert_to_tensor(each).numpy() for each in gradients], arrays("gradient "))

train_step = cnn.make_train_step(model, asked["hparams"])
losses = []
for step in range(asked["steps"]):
    losses.append(float(train_step(x, y)))
    if step + 1 == asked["compared"]:
        told["weights"] = apart([each.numpy() for each in weights], arrays("after "))
        moved = [after - before for after, before in zip(arrays("after "), arrays("before "), strict=True)]
        ours = [each.numpy() - before for each, before in zip(weights, arrays("before "), strict=True)]
        parted = sum(float(((a - b) ** 2).sum()) for a, b in zip(ours, moved, strict=True))
        told["moves"] = (parted / sum(float((each**2).sum()) for each in moved)) ** 0.5
told["losses"] = losses
sys.stdout.write(json.dumps(told))
