"""Adadelta in TensorFlow's own kernel, which goes over each array once where Keras' goes over it a dozen times."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Tuple

import tensorflow as tf


class Adadelta:
    """Zeiler 2012, algorithm 1, its step times the rate.  The methods are those of a Keras optimizer."""

    def __init__(self, hparams: Dict[str, Any]) -> None:
        self.rho, self.epsilon = float(hparams["rho"]), float(hparams["epsilon"])
        self.learning_rate = tf.Variable(float(hparams["learning_rate"]), trainable=False)

    def build(self, weights: List[Any]) -> None:
        self.squares = [tf.Variable(tf.zeros(weight.shape), trainable=False) for weight in weights]
        self.updates = [tf.Variable(tf.zeros(weight.shape), trainable=False) for weight in weights]

    def apply_gradients(self, pairs: Iterable[Tuple[tf.Tensor, Any]]) -> None:
        """``pairs``: each gradient with its weight, in the order of ``build``."""
        for (gradient, weight), square, update in zip(pairs, self.squares, self.updates):
            tf.raw_ops.ResourceApplyAdadelta(
                var=weight.handle,
                accum=square.handle,
                accum_update=update.handle,
                lr=self.learning_rate,
                rho=self.rho,
                epsilon=self.epsilon,
                grad=gradient,
            )
