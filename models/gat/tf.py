"""Graph attention network in TensorFlow: the twin of pytorch.py.

From Veličković et al. 2018, sections 2.1 and 3.3, trained as in PetarV-/GAT.  No sum here has three
terms: TensorFlow adds such a sum in an order that does not repeat on several threads.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Tuple, Union

import numpy
import tensorflow as tf
from neighbourhood import neighbourhood
from patience import Patience
from propagation import words
from sparse_tf import sparse

NODES = tf.TensorSpec((None,), tf.int64)
Matrix = Union[tf.Tensor, tf.SparseTensor]


class GAT(tf.keras.layers.Layer):
    """x [nodes, features], sparse -> logits [nodes, classes]: section 3.3, transductive learning."""

    def __init__(self, features: int, classes: int, hparams: Dict[str, Any]) -> None:
        super().__init__()
        heads, hidden = int(hparams["heads"]), int(hparams["hidden"])
        self.first = Attention(features, heads, hidden, hparams)
        self.second = Attention(heads * hidden, int(hparams["output_heads"]), classes, hparams)

    def logits(self, x: tf.SparseTensor, pairs: tf.Tensor, training: bool) -> tf.Tensor:
        hidden = tf.nn.elu(self.first.attend(x, pairs, training))
        hidden = tf.reshape(hidden, (x.shape[0], -1))  # the heads side by side: equation 5
        return tf.reduce_mean(self.second.attend(hidden, pairs, training), axis=1)  # the heads' mean: equation 6


class Attention(tf.keras.layers.Layer):
    """x [nodes, features] -> [nodes, heads, width], before the nonlinearity: equations 1 to 4."""

    def __init__(self, features: int, heads: int, width: int, hparams: Dict[str, Any]) -> None:
        super().__init__()
        self.dropout, self.slope = float(hparams["dropout"]), float(hparams["leaky_slope"])
        self.weight = self.add_weight(
            shape=(heads, features, width), initializer=glorot(features, width), name="weight"
        )
        # a of equation 3: its half for the node, for the neighbour
        self.score = self.add_weight(shape=(heads, width, 2), initializer=glorot(width, 1), name="score")
        # not in the paper, but in its code
        self.score_bias = self.add_weight(shape=(heads, 2), initializer="zeros", name="score_bias")
        self.bias = self.add_weight(shape=(heads, width), initializer="zeros", name="bias")

    def attend(self, x: Matrix, pairs: tf.Tensor, training: bool) -> tf.Tensor:
        node, neighbour = pairs[:, 0], pairs[:, 1]
        h = tf.stack([self.project(x, weight, training) for weight in tf.unstack(self.weight)], axis=1)
        of_node, of_neighbour = tf.unstack(tf.einsum("nhw,hws->nhs", h, self.score) + self.score_bias, axis=2)
        scores = tf.nn.leaky_relu(tf.gather(of_node, node) + tf.gather(of_neighbour, neighbour), self.slope)
        attention = self.drop(softmax(scores, node), training)  # [pairs, heads]
        messages = attention[:, :, None] * tf.gather(self.drop(h, training), neighbour)
        return tf.math.segment_sum(messages, node) + self.bias

    def project(self, x: Matrix, weight: tf.Tensor, training: bool) -> tf.Tensor:
        """x weight [nodes, width]; every head draws its own dropout of x."""
        if isinstance(x, tf.SparseTensor):  # what is zero stays zero
            return tf.sparse.sparse_dense_matmul(x.with_values(self.drop(x.values, training)), weight)
        return tf.matmul(self.drop(x, training), weight)

    def drop(self, x: tf.Tensor, training: bool) -> tf.Tensor:
        return tf.nn.dropout(x, self.dropout) if training else x


def softmax(scores: tf.Tensor, node: tf.Tensor) -> tf.Tensor:
    """scores [pairs, heads] -> attention [pairs, heads], which adds up to one in every neighbourhood."""
    highest = tf.math.segment_max(tf.stop_gradient(scores), node)  # so that no exponential overflows
    weights = tf.exp(scores - tf.gather(highest, node))
    return weights / tf.gather(tf.math.segment_sum(weights, node), node)


def build(features: int, classes: int, hparams: Dict[str, Any]) -> GAT:
    return GAT(features, classes, hparams)


def train(run: Any) -> None:
    graph, hparams = run.graph, run.hparams
    x = sparse(words(graph), graph.nodes, graph.features)
    pairs = tf.constant(neighbourhood(graph))
    model = build(graph.features, run.classes, hparams)
    run.weights("initial", model)
    train_step = make_train_step(model, x, pairs, hparams)
    predict = make_predict(model, x, pairs)
    patience, best_weights = Patience(int(hparams["patience"])), model.get_weights()

    for _ in run.epochs():
        for nodes, labels in run.steps(run.batches("train", shuffle=False)):
            run.loss(train_step(tf.constant(nodes), tf.constant(labels)))
        if patience.keeps(*evaluate(predict(), *run.arrays("val"))):
            best_weights = model.get_weights()
        if patience.exhausted:
            break

    model.set_weights(best_weights)
    run.metric("accuracy", evaluate(predict(), *run.arrays("test"))[0])
    run.weights("final", model)


def make_train_step(
    model: GAT, x: tf.SparseTensor, pairs: tf.Tensor, hparams: Dict[str, Any]
) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """The graph of one update from all labelled nodes; it returns their loss, without the weight decay."""
    weights, decay = model.trainable_weights, float(hparams["weight_decay"])
    optimizer = tf.keras.optimizers.Adam(hparams["learning_rate"], epsilon=hparams["epsilon"])
    optimizer.build(weights)  # its own variables must exist before the graph is made

    @tf.function(input_signature=[NODES, NODES])
    def train_step(nodes: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = objective(model.logits(x, pairs, training=True), nodes, labels)
        gradients = tape.gradient(loss, weights)
        # L2: added to the gradient; of biases too, as in the published code.
        decayed = [gradient + decay * weight for gradient, weight in zip(gradients, weights)]
        optimizer.apply_gradients(zip(decayed, weights))
        return loss

    return train_step


def make_predict(model: GAT, x: tf.SparseTensor, pairs: tf.Tensor) -> Callable[[], tf.Tensor]:
    """The graph of the logits [nodes, classes] of all nodes, without dropout."""

    @tf.function(input_signature=[])
    def predict() -> tf.Tensor:
        return model.logits(x, pairs, training=False)

    return predict


def objective(logits: tf.Tensor, nodes: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Mean cross-entropy of the labelled nodes."""
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, tf.gather(logits, nodes)))


def evaluate(logits: tf.Tensor, nodes: numpy.ndarray, labels: numpy.ndarray) -> Tuple[float, float]:
    """Share of the nodes whose class has the highest logit, and the mean cross-entropy."""
    predicted = logits.numpy().argmax(axis=1)[nodes]
    loss = objective(logits, tf.constant(nodes), tf.constant(labels))
    return float((predicted == labels).mean()), float(loss)


def glorot(fan_in: int, fan_out: int) -> tf.keras.initializers.Initializer:
    """Glorot and Bengio 2010, equation 16, for each head."""
    bound = (6.0 / (fan_in + fan_out)) ** 0.5
    return tf.keras.initializers.RandomUniform(-bound, bound)
