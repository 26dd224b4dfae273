"""Run in TensorFlow's environment, REPOSITORY FOLDER: states of many kinds, kept in a training, given to another."""

from __future__ import annotations

import sys
from typing import Any

sys.path.insert(0, sys.argv[1])
import numpy
import tensorflow as tf
from tensorflow.python.eager import context

from harness.worker import checkpoints
from harness.worker.frameworks import tf as side


def parts(seed: int) -> dict[str, Any]:
    tf.keras.utils.set_random_seed(seed)
    layers = tf.keras.layers
    new = [layers.Dropout(0.5, seed=seed)] if tf.__version__ >= "2.16" else []  # Keras 2 hides its count
    model = tf.keras.Sequential([tf.keras.Input((4,)), layers.Dense(3), layers.BatchNormalization(), *new])
    optimizer = tf.keras.optimizers.Adam(0.01 * (seed + 1))
    optimizer.build(model.trainable_variables)
    return {
        "model": model,
        "optimizer": optimizer,
        "g": tf.random.Generator.from_seed(seed),
        "half": tf.Variable(tf.random.normal((3,)), dtype=tf.float32),
        "moments": [tf.Variable(tf.cast(tf.fill((2,), seed), tf.bfloat16))],
        "seen": {"best": model.get_weights(), "rate": tf.constant(float(seed))},
    }


def step(kept: dict[str, Any]) -> float:
    x = kept["g"].normal((8, 4)) + tf.random.normal((8, 4))
    weights = kept["model"].trainable_variables
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(kept["model"](x, training=True)))
    kept["optimizer"].apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
    kept["moments"][0].assign_add(tf.cast(tf.fill((2,), loss), tf.bfloat16))
    kept["seen"].update(best=kept["model"].get_weights(), rate=loss)
    return float(loss)


first, second = parts(0), parts(1)
for _ in range(3):
    step(first)
state = {"parts": {name: side.take(part) for name, part in first.items()}, "generators": side.generators()}
checkpoints.save(sys.argv[2], "x.npz", {}, state)
about, read = checkpoints.load(sys.argv[2] + "/x.npz")
for name, part in second.items():
    side.give(part, read["parts"][name])
side.set_generators(read["generators"])
after = [step(second) for _ in range(3)]
side.set_generators(read["generators"])  # what is drawn one by one has one count for the process,
context.context().clear_kernel_cache()  # and each operation one of its own, which a new process has not
before = [step(first) for _ in range(3)]
assert before == after, (before, after)
assert (first["half"].numpy() == second["half"].numpy()).all()
assert (first["moments"][0].numpy() == second["moments"][0].numpy()).all()
for one, other in zip(first["seen"]["best"], second["seen"]["best"], strict=True):
    assert numpy.array_equal(one, other)
try:
    side.give(tf.keras.optimizers.Adam(), read["parts"]["optimizer"])
except ValueError as error:
    assert "an optimizer must be built before run.keep" in str(error), error  # noqa: PT017
else:
    raise AssertionError
sys.stdout.write("as before")
