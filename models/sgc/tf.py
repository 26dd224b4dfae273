"""Simplified graph convolution in TensorFlow: the twin of pytorch.py.

From Wu et al. 2019, section 2.2, trained as in Tiiiger/SGC, which is PyTorch: its Adam is written out.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List

import numpy
import tensorflow as tf
from propagation import propagation, words
from sparse_tf import sparse

NODES = tf.TensorSpec((None,), tf.int64)
BETA1, BETA2 = 0.9, 0.999  # PyTorch's defaults


def build(features: int, classes: int, hparams: Dict[str, Any]) -> tf.keras.Model:
    """Logistic regression: propagated features [n, features] -> logits [n, classes]; PyTorch's initial weights."""
    del hparams  # it has none
    bound = features**-0.5  # uniform +-1/sqrt(fan-in)
    inputs = tf.keras.Input((features,))
    logits = tf.keras.layers.Dense(
        classes,
        kernel_initializer=tf.keras.initializers.RandomUniform(-bound, bound),
        bias_initializer=tf.keras.initializers.RandomUniform(-bound, bound),
    )(inputs)
    return tf.keras.Model(inputs, logits)


def train(run: Any) -> None:
    graph, hparams = run.graph, run.hparams
    x = propagated(graph, int(hparams["propagation_steps"]))
    model = build(graph.features, run.classes, hparams)
    run.weights("initial", model)
    train_step = make_train_step(model, x, hparams)

    for _ in run.epochs():
        for nodes, labels in run.steps(run.batches("train", shuffle=False)):
            run.loss(train_step(tf.constant(nodes), tf.constant(labels)))

    run.metric("accuracy", accuracy(model, x, *run.arrays("test")))  # of the last weights
    run.weights("final", model)


def propagated(graph: Any, steps: int) -> tf.Tensor:
    """S^K X, dense [nodes, features]: equation 6, made once."""
    x = tf.sparse.to_dense(sparse(words(graph), graph.nodes, graph.features))
    adjacency = sparse(propagation(graph), graph.nodes, graph.nodes)
    for _ in range(steps):
        x = tf.sparse.sparse_dense_matmul(adjacency, x)
    return x


def make_train_step(
    model: tf.keras.Model, x: tf.Tensor, hparams: Dict[str, Any]
) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """The graph of one update from all labelled nodes; it returns their loss."""
    optimizer = Adam(model.trainable_weights, hparams)

    @tf.function(input_signature=[NODES, NODES])
    def train_step(nodes: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = objective(model, x, nodes, labels)
        optimizer.apply(tape.gradient(loss, model.trainable_weights))
        return loss

    return train_step


class Adam:
    """Adam (Kingma and Ba 2015, algorithm 1) with L2, step by step as PyTorch does it.

    Most words occur near no labelled node: weight decay is all the gradient that they have, 1e-7 and
    less, and there it matters that epsilon is added after the bias correction.  Keras adds it before,
    which makes it up to thirty times larger.
    """

    def __init__(self, weights: List[Any], hparams: Dict[str, Any]) -> None:
        self.weights = weights
        self.rate, self.epsilon = float(hparams["learning_rate"]), float(hparams["epsilon"])
        self.decay = float(hparams["weight_decay"])
        self.steps = tf.Variable(0.0, trainable=False)
        self.means = [tf.Variable(tf.zeros(weight.shape), trainable=False) for weight in weights]
        self.squares = [tf.Variable(tf.zeros(weight.shape), trainable=False) for weight in weights]

    def apply(self, gradients: List[tf.Tensor]) -> None:
        step = self.steps.assign_add(1.0)
        power1, power2 = BETA1**step, BETA2**step
        for weight, mean, square, gradient in zip(self.weights, self.means, self.squares, gradients):
            tf.raw_ops.ResourceApplyAdam(
                var=weight.handle,
                m=mean.handle,
                v=square.handle,
                beta1_power=power1,
                beta2_power=power2,
                lr=self.rate,
                beta1=BETA1,
                beta2=BETA2,
                epsilon=self.epsilon * tf.sqrt(1.0 - power2),  # the kernel adds it before the correction
                grad=gradient + self.decay * weight,
            )


def objective(model: tf.keras.Model, x: tf.Tensor, nodes: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Mean cross-entropy of the labelled nodes."""
    logits = model(tf.gather(x, nodes), training=True)
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))


def accuracy(model: tf.keras.Model, x: tf.Tensor, nodes: numpy.ndarray, labels: numpy.ndarray) -> float:
    """Share of the nodes whose class has the highest logit."""
    predicted = model(tf.gather(x, nodes), training=False).numpy().argmax(axis=1)
    return float((predicted == labels).mean())
