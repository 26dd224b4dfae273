"""Dropout as a Bayesian approximation in TensorFlow: the twin of pytorch.py.

Many epochs are one graph, because a step this small would otherwise be all overhead.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator

import numpy
import tensorflow as tf
from splits import orders, parts_of, report, scores, weight_decay


class Networks(tf.keras.layers.Layer):
    """x [splits, n, features] -> the standardised target [splits, n]: a network for each split, side by side.

    They share nothing, so each trains as it would alone.
    """

    def __init__(self, features: int, hparams: Dict[str, Any]) -> None:
        super().__init__()
        splits, hidden = len(hparams["dropout"]), hparams["hidden"]
        self.rate = tf.constant(hparams["dropout"], tf.float32)[:, None, None]
        self.first, self.first_bias = self.glorot(splits, features, hidden), self.zeros(splits, 1, hidden)
        self.last, self.last_bias = self.glorot(splits, hidden, 1), self.zeros(splits, 1, 1)

    def glorot(self, *shape: int) -> Any:
        """Keras' default: Glorot and Bengio 2010, equation 16."""
        bound = (6 / (shape[1] + shape[2])) ** 0.5
        return self.add_weight(shape=shape, initializer=tf.keras.initializers.RandomUniform(-bound, bound))

    def zeros(self, *shape: int) -> Any:
        return self.add_weight(shape=shape, initializer="zeros")

    def target(self, x: tf.Tensor) -> tf.Tensor:
        hidden = tf.nn.relu(tf.matmul(self.thinned(x), tf.convert_to_tensor(self.first)) + self.first_bias)
        return (tf.matmul(self.thinned(hidden), tf.convert_to_tensor(self.last)) + self.last_bias)[:, :, 0]

    def thinned(self, x: tf.Tensor) -> tf.Tensor:
        """With dropout, always: when it predicts too."""
        return x * tf.cast(tf.random.uniform(tf.shape(x)) >= self.rate, tf.float32) / (1 - self.rate)


def build(features: int, hparams: Dict[str, Any]) -> Networks:
    return Networks(features, hparams)


def train(run: Any) -> None:
    hparams, parts = run.hparams, parts_of(run)
    decay = tf.constant(weight_decay(parts.y.shape[1], hparams))
    model = build(parts.x.shape[2], hparams)
    run.weights("initial", model)
    train_epochs = make_train_epochs(model, tf.constant(parts.x), tf.constant(parts.y), decay, hparams)

    for epoch in run.epochs():
        for block in run.steps(orders(run.seed, epoch, parts, hparams)):
            run.saw_batch(block.ravel())
            run.loss(train_epochs(tf.constant(block)))

    report(run, *scores(predict(model, tf.constant(parts.test_x), hparams), parts, hparams["tau"]))
    run.weights("final", model)


def make_train_epochs(
    model: Networks, x: tf.Tensor, y: tf.Tensor, decay: tf.Tensor, hparams: Dict[str, Any]
) -> Callable[[tf.Tensor], tf.Tensor]:
    """The graph of an epoch for each order of the rows [epochs, splits, n]; it returns a network's mean loss."""
    weights = model.trainable_weights
    optimizer = tf.keras.optimizers.Adam(hparams["learning_rate"], epsilon=hparams["epsilon"])
    optimizer.build(weights)  # its own variables must exist before the graph is made
    (splits, samples), size = y.shape, int(hparams["batch_size"])

    @tf.function(input_signature=[tf.TensorSpec((None, splits, samples), tf.int64)])
    def train_epochs(block: tf.Tensor) -> tf.Tensor:
        total = tf.zeros(())
        for order in block:
            for start in tf.range(0, samples, size):
                tf.autograph.experimental.set_loop_options(parallel_iterations=1)
                rows = order[:, start : start + size]
                with tf.GradientTape() as tape:
                    batch = tf.gather(x, rows, batch_dims=1), tf.gather(y, rows, batch_dims=1)
                    loss = objective(model, *batch, decay)
                optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
                total += loss * tf.cast(tf.size(rows), tf.float32)
        return total / tf.cast(tf.size(block), tf.float32) / splits

    return train_epochs


def objective(model: Networks, x: tf.Tensor, y: tf.Tensor, decay: tf.Tensor) -> tf.Tensor:
    """Mean squared error, and L2 on the weights but not the biases; the sum over the networks."""
    errors = tf.reduce_mean(tf.square(model.target(x) - y), axis=1)
    first, last = map(tf.convert_to_tensor, (model.first, model.last))
    penalty = tf.reduce_sum(tf.square(first), axis=(1, 2)) + tf.reduce_sum(tf.square(last), axis=(1, 2))
    return tf.reduce_sum(errors + decay * penalty)


def predict(model: Networks, x: tf.Tensor, hparams: Dict[str, Any]) -> Iterator[numpy.ndarray]:
    """Standardised predictions [splits, passes_at_once, m] until there are all passes."""
    at_once = int(hparams["passes_at_once"])
    many = tf.tile(x, (1, at_once, 1))
    passes = tf.function(lambda: tf.reshape(model.target(many), (len(x), at_once, -1)))
    for _ in range(hparams["passes"] // at_once):
        yield passes().numpy()
