"""SGC by Keras' ``fit``: logistic regression on features that were propagated beforehand, and Keras' own Adam."""

from __future__ import annotations

import keras
import numpy

from benchmarks.public.task import Array, Task, read_task
from benchmarks.public.theirs.fitting import fit, prepare


def main() -> None:
    task = read_task()
    prepare(task)
    nodes, labels = task.arrays("train")
    x = propagated(task)[nodes]
    inputs = keras.Input(x.shape[1:])
    decay = keras.regularizers.L2(task.hparams["weight_decay"] / 2)
    logits = keras.layers.Dense(task.classes, kernel_regularizer=decay, bias_regularizer=decay)(inputs)
    optimizer = keras.optimizers.Adam(task.hparams["learning_rate"], epsilon=task.hparams["epsilon"])
    fit(task, keras.Model(inputs, logits), optimizer, x, labels, shuffle=False)


def propagated(task: Task) -> Array:
    x, edges = task.words(), task.graph_array("edges")
    adjacency = numpy.eye(len(x), dtype=numpy.float32)
    adjacency[edges[:, 0], edges[:, 1]] = 1
    scale = adjacency.sum(axis=1) ** -0.5
    adjacency *= scale[:, None] * scale
    for _ in range(task.hparams["propagation_steps"]):
        x = adjacency @ x
    return x


if __name__ == "__main__":
    main()
