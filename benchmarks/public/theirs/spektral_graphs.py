"""GCN and GAT of Spektral, trained as its custom loops do: a graph for the step and one for the evaluation.

Spektral is written for Keras 2, so it runs on tf_keras.
"""

from __future__ import annotations

import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # before TensorFlow is imported

import numpy
import spektral
import tensorflow as tf
from spektral.layers import GATConv, GCNConv

from benchmarks.public.task import Task, read_task

keras = tf.keras


def main() -> None:
    task = read_task()
    tf.config.threading.set_intra_op_parallelism_threads(task.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(task.seed)
    x, adjacency = task.words(), adjacency_of(task)
    model = {"gcn": gcn, "gat": gat}[task.model](x.shape[1], adjacency.shape[0], task)
    (nodes, labels), (val_nodes, val_labels) = task.arrays("train"), task.arrays("val")
    optimizer = keras.optimizers.Adam(task.hparams["learning_rate"], epsilon=task.hparams["epsilon"])
    optimizer.build(model.trainable_variables)
    entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function
    def train() -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = entropy(labels, tf.gather(model([x, adjacency], training=True), nodes)) + sum(model.losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    @tf.function
    def evaluate() -> tf.Tensor:
        return tf.gather(model([x, adjacency], training=False), val_nodes)

    best, best_weights = 0.0, model.get_weights()
    name = f"Spektral {spektral.__version__}, its custom loop, TensorFlow {tf.__version__}"
    for _ in task.turns(name).epochs():
        train().numpy()
        logits = evaluate()
        float(entropy(val_labels, logits))
        if task.model == "gat":
            accuracy = float((logits.numpy().argmax(axis=1) == val_labels).mean())
            if accuracy >= best:
                best, best_weights = accuracy, model.get_weights()
    del best_weights


def gcn(features: int, nodes: int, task: Task) -> tf.keras.Model:
    x, a = keras.Input((features,)), keras.Input((nodes,), sparse=True)
    decay = keras.regularizers.l2(task.hparams["weight_decay"] / 2)
    hidden = keras.layers.Dropout(task.hparams["dropout"])(x)
    hidden = GCNConv(task.hparams["hidden"], activation="relu", kernel_regularizer=decay, use_bias=False)([hidden, a])
    hidden = keras.layers.Dropout(task.hparams["dropout"])(hidden)
    return keras.Model([x, a], GCNConv(task.classes, use_bias=False)([hidden, a]))


def gat(features: int, nodes: int, task: Task) -> tf.keras.Model:
    hparams = task.hparams
    x, a = keras.Input((features,)), keras.Input((nodes,), sparse=True)
    decay, dropout = keras.regularizers.l2(hparams["weight_decay"] / 2), hparams["dropout"]
    options = {"dropout_rate": dropout, "kernel_regularizer": decay, "attn_kernel_regularizer": decay}
    hidden = keras.layers.Dropout(dropout)(x)
    hidden = GATConv(hparams["hidden"], attn_heads=hparams["heads"], activation="elu", **options)([hidden, a])
    hidden = keras.layers.Dropout(dropout)(hidden)
    return keras.Model([x, a], GATConv(task.classes, attn_heads=1, concat_heads=False, **options)([hidden, a]))


def adjacency_of(task: Task) -> tf.SparseTensor:
    """Scaled as in Kipf and Welling for GCN; ones for GAT, which adds the nodes themselves."""
    nodes, edges = task.graph["nodes"], task.graph_array("edges")
    if task.model == "gat":
        return tf.SparseTensor(edges, numpy.ones(len(edges), numpy.float32), (nodes, nodes))
    itself = numpy.arange(nodes)
    pairs = numpy.unique(numpy.concatenate([edges, numpy.stack([itself, itself], axis=1)]), axis=0)
    scale = numpy.bincount(pairs[:, 0]) ** -0.5
    values = (scale[pairs[:, 0]] * scale[pairs[:, 1]]).astype(numpy.float32)
    return tf.SparseTensor(pairs, values, (nodes, nodes))


if __name__ == "__main__":
    main()
