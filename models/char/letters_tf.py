"""What the character models do alike in TensorFlow: their examples, their batches, many updates as one graph.

A thousand steps are one graph, because a step this small would otherwise be all overhead.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, Tuple

import numpy
import tensorflow as tf
from draws import Draws


def make_train_steps(
    model: Any, letters: tf.Tensor, following: tf.Tensor, hparams: Dict[str, Any]
) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """The graph of many updates: row numbers [steps, batch_size] and a rate -> each step's loss [steps]."""
    weights = model.trainable_weights
    rows_of_steps = tf.TensorSpec((None, hparams["batch_size"]), tf.int64)

    @tf.function(input_signature=[rows_of_steps, tf.TensorSpec((), tf.float32)])
    def train_steps(batches: tf.Tensor, rate: tf.Tensor) -> tf.Tensor:
        losses = tf.TensorArray(tf.float32, tf.shape(batches)[0])
        for step in tf.range(tf.shape(batches)[0]):
            tf.autograph.experimental.set_loop_options(parallel_iterations=1)
            rows = batches[step]
            with tf.GradientTape() as tape:
                logits = model(tf.gather(letters, rows), training=True)
                loss = cross_entropy(logits, tf.gather(following, rows))
            for weight, gradient in zip(weights, tape.gradient(loss, weights)):
                weight.assign_sub(rate * tf.convert_to_tensor(gradient))
            losses = losses.write(step, loss)
        return losses.stack()

    return train_steps


def cross_entropy(logits: tf.Tensor, following: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(following, logits))


def chunks(run: Any, g: Draws, samples: int) -> Iterator[numpy.ndarray]:
    """Row numbers of many steps, int64 [steps, batch_size], drawn with replacement."""
    size, steps = run.hparams["batch_size"], run.hparams["graph_steps"]
    for _ in range(run.hparams["steps_per_epoch"] // steps - run.steps_done):
        batches = g.integers(samples, (steps, size))
        for rows in batches:
            run.saw_batch(rows)
        run.saw_batch(batches.ravel())  # so many samples pass before the harness counts again
        yield batches


def examples(run: Any, split: str) -> Tuple[tf.Tensor, tf.Tensor]:
    """The last letters int32 [n, context] and the one after them int32 [n]."""
    x, y = run.arrays(split)
    return tf.constant(x[:, -run.hparams["context"] :].astype("int32")), tf.constant(y.astype("int32"))


def mean_loss(model: Any, letters: tf.Tensor, following: tf.Tensor) -> float:
    """Of a whole split at once, in nats, with the running statistics; the notebooks' split_loss."""
    return float(cross_entropy(model(letters, training=False), following))
