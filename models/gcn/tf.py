"""Graph convolutional network in TensorFlow: the twin of pytorch.py.

From Kipf and Welling 2017, sections 3.1 and 5.2, trained as in tkipf/gcn.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List

import numpy
import tensorflow as tf
from propagation import propagation, words
from sparse_tf import sparse
from stopping import has_risen

NODES = tf.TensorSpec((None,), tf.int64)


class GCN(tf.keras.layers.Layer):
    """x [nodes, features], sparse -> logits [nodes, classes]: equation 9 before its softmax."""

    def __init__(self, features: int, classes: int, hparams: Dict[str, Any]) -> None:
        super().__init__()
        hidden = int(hparams["hidden"])
        self.dropout = float(hparams["dropout"])
        # Glorot and Bengio 2010, equation 16
        self.first = self.add_weight(shape=(features, hidden), initializer="glorot_uniform", name="first")
        self.second = self.add_weight(shape=(hidden, classes), initializer="glorot_uniform", name="second")

    def logits(self, x: tf.SparseTensor, adjacency: tf.SparseTensor, training: bool, draw: Any = (0, 0)) -> tf.Tensor:
        """``draw`` is the seed of this step's dropout, two integers: drawn without a hidden state, so it can resume."""
        if training:
            x = x.with_values(self.drop(x.values, draw[0], 2 * draw[1]))  # what is zero stays zero
        hidden = tf.sparse.sparse_dense_matmul(x, tf.convert_to_tensor(self.first))
        hidden = tf.nn.relu(tf.sparse.sparse_dense_matmul(adjacency, hidden))
        if training:
            hidden = self.drop(hidden, draw[0], 2 * draw[1] + 1)
        return tf.sparse.sparse_dense_matmul(adjacency, tf.matmul(hidden, self.second))

    def drop(self, values: tf.Tensor, seed: int, place: Any) -> tf.Tensor:
        return tf.nn.experimental.stateless_dropout(values, self.dropout, seed=tf.stack([seed, place]))


def build(features: int, classes: int, hparams: Dict[str, Any]) -> GCN:
    return GCN(features, classes, hparams)


def train(run: Any) -> None:
    graph, hparams = run.graph, run.hparams
    x = sparse(words(graph), graph.nodes, graph.features)
    adjacency = sparse(propagation(graph), graph.nodes, graph.nodes)
    model = build(graph.features, run.classes, hparams)
    run.weights("initial", model)
    optimizer = tf.keras.optimizers.Adam(hparams["learning_rate"], epsilon=hparams["epsilon"])
    optimizer.build(model.trainable_weights)  # its own variables must exist before the graph is made
    train_step = make_train_step(model, optimizer, x, adjacency, hparams, run.seed)
    predict = make_predict(model, x, adjacency)
    validation_losses: List[float] = []
    run.keep(model=model, optimizer=optimizer, validation_losses=validation_losses)

    for _ in run.epochs():
        for nodes, labels in run.steps(run.batches("train", shuffle=False)):
            run.loss(train_step(tf.constant(nodes), tf.constant(labels)))
        loss = objective(model, predict(), *map(tf.constant, run.arrays("val")), hparams)
        validation_losses.append(float(loss))
        if has_risen(validation_losses, int(hparams["early_stopping"])):
            break

    run.metric("accuracy", accuracy(predict(), *run.arrays("test")))  # of the last weights
    run.weights("final", model)


def make_train_step(
    model: GCN, optimizer: Any, x: tf.SparseTensor, adjacency: tf.SparseTensor, hparams: Dict[str, Any], seed: int
) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """The graph of one update from all labelled nodes; it returns their loss."""
    weights = model.trainable_weights

    @tf.function(input_signature=[NODES, NODES])
    def train_step(nodes: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            draw = (seed % 2**31, tf.cast(optimizer.iterations, tf.int32))
            logits = model.logits(x, adjacency, training=True, draw=draw)
            loss = objective(model, logits, nodes, labels, hparams)
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return loss

    return train_step


def make_predict(model: GCN, x: tf.SparseTensor, adjacency: tf.SparseTensor) -> Callable[[], tf.Tensor]:
    """The graph of the logits [nodes, classes] of all nodes, without dropout."""

    @tf.function(input_signature=[])
    def predict() -> tf.Tensor:
        return model.logits(x, adjacency, training=False)

    return predict


def objective(model: GCN, logits: tf.Tensor, nodes: tf.Tensor, labels: tf.Tensor, hparams: Dict[str, Any]) -> tf.Tensor:
    """Cross-entropy of the labelled nodes (equation 10, as a mean), and L2 on the first layer's weights only."""
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, tf.gather(logits, nodes))
    return tf.reduce_mean(losses) + hparams["weight_decay"] * tf.nn.l2_loss(tf.convert_to_tensor(model.first))


def accuracy(logits: tf.Tensor, nodes: numpy.ndarray, labels: numpy.ndarray) -> float:
    """Share of the nodes whose class has the highest logit."""
    predicted = logits.numpy().argmax(axis=1)
    return float((predicted[nodes] == labels).mean())
