"""Adadelta in TensorFlow's own kernel, which goes over each array once where Keras' goes over it a dozen times."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Tuple, Union

import tensorflow as tf


class Adadelta:
    """Zeiler 2012, algorithm 1, its step times the rate.  The methods are those of a Keras optimizer.

    Gradients may be of some rows only, each named once.  A row that has none does not move, but its averages fade,
    so that of the whole table nothing but two products need be done.
    """

    def __init__(self, hparams: Dict[str, Any]) -> None:
        self.rho, self.epsilon = float(hparams["rho"]), float(hparams["epsilon"])
        self.learning_rate = tf.Variable(float(hparams["learning_rate"]), trainable=False)

    def build(self, weights: List[Any]) -> None:
        self.squares = [tf.Variable(tf.zeros(weight.shape), trainable=False) for weight in weights]
        self.updates = [tf.Variable(tf.zeros(weight.shape), trainable=False) for weight in weights]

    def apply_gradients(self, pairs: Iterable[Tuple[Union[tf.Tensor, tf.IndexedSlices], Any]]) -> None:
        """``pairs``: each gradient with its weight, in the order of ``build``."""
        for (gradient, weight), square, update in zip(pairs, self.squares, self.updates):
            if isinstance(gradient, tf.IndexedSlices):
                self._apply_rows(gradient.indices, gradient.values, weight, square, update)
                continue
            tf.raw_ops.ResourceApplyAdadelta(
                var=weight.handle,
                accum=square.handle,
                accum_update=update.handle,
                lr=self.learning_rate,
                rho=self.rho,
                epsilon=self.epsilon,
                grad=gradient,
            )

    def _apply_rows(
        self, rows: tf.Tensor, gradient: tf.Tensor, weight: Any, square: tf.Variable, update: tf.Variable
    ) -> None:
        square.assign(self.rho * square)
        square_rows = tf.gather(square, rows) + (1.0 - self.rho) * tf.square(gradient)
        delta = gradient * tf.sqrt(tf.gather(update, rows) + self.epsilon) * tf.math.rsqrt(square_rows + self.epsilon)
        update.assign(self.rho * update)
        square.scatter_update(tf.IndexedSlices(square_rows, rows))
        update.scatter_add(tf.IndexedSlices((1.0 - self.rho) * tf.square(delta), rows))
        tf.raw_ops.ResourceScatterSub(resource=weight.handle, indices=rows, updates=self.learning_rate * delta)
