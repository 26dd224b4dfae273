"""Run in a TensorFlow environment, MODELS FOLDER MODEL: how far the twin of probe_char_torch.py is apart."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy
import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
tf.config.experimental.enable_op_determinism()
tf.keras.utils.set_random_seed(0)
models, folder, model_name = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
module_of = import_module("importable").module_of
char, letters_tf = (module_of(models / model_name, name) for name in ("tf", "letters_tf"))
hparams: dict[str, Any] = json.loads((folder / "hparams.json").read_text())
hparams["steps_per_epoch"] = hparams["graph_steps"] = 1000

g = char.Draws(hparams["generator_seed"])
network = (char.MLP if model_name == "char-mlp" else char.WaveNet)(27, hparams, g)
weights = network.trainable_weights
told: dict[str, object] = {"parameters": sum(int(numpy.prod(each.shape)) for each in weights)}


class Run:
    """What the functions under test ask of a run."""

    def __init__(self) -> None:
        self.hparams = hparams

    steps_done = 0

    def saw_batch(self, *_: numpy.ndarray) -> None:
        pass

    def arrays(self, split: str) -> tuple[numpy.ndarray, numpy.ndarray]:
        return numpy.load(folder / f"{split}_x.npy"), numpy.load(folder / f"{split}_y.npy")


letters, following = char.examples(Run(), "train")
(batches,) = char.chunks(Run(), g, len(following))
twin = numpy.load(folder / f"{model_name}.npz")
told["same rows"] = bool((batches[0] == twin["rows"]).all())
with tf.GradientTape() as tape:
    logits = network(tf.gather(letters, batches[0]), training=True)
    loss = letters_tf.cross_entropy(logits, tf.gather(following, batches[0]))
gradients = [tf.convert_to_tensor(each).numpy() for each in tape.gradient(loss, weights)]
theirs = [twin[f"gradient {index}"] for index in range(len(weights))]
# Weights of the twins come in another order; shape and size of the gradient tell them apart.
told["gradients"] = max(
    min(
        float(numpy.abs(ours - other).max() / numpy.abs(other).max())
        for other in theirs
        if numpy.squeeze(other).shape == numpy.squeeze(ours).shape
    )
    for ours in gradients
)
for norm in getattr(network, "norms", [network]):  # the first step is made again below
    for name, value in (("running_mean", 0.0), ("running_var", 1.0), ("bnmean_running", 0.0), ("bnstd_running", 1.0)):
        if hasattr(norm, name):
            variable = getattr(norm, name)
            variable.assign(tf.fill(variable.shape, value))
train_steps = char.make_train_steps(network, letters, following, hparams)
losses = train_steps(tf.constant(batches), tf.constant(hparams["learning_rate"], tf.float32))
told["losses"] = [float(each) for each in losses.numpy()]
sys.stdout.write(json.dumps(told))
