"""makemore's parts 3 and 5 in a plain TensorFlow loop: each step is one call of a graph, the rows come from numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import tensorflow as tf

from benchmarks.public.task import Task, read_task

Forward = Callable[[tf.Tensor], tf.Tensor]


def main() -> None:
    task = read_task()
    tf.config.threading.set_intra_op_parallelism_threads(task.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.random.set_seed(task.seed)
    x, y = task.arrays("train")
    letters = tf.constant(x[:, -task.hparams["context"] :].astype("int32"))
    following = tf.constant(y.astype("int32"))
    forward, weights = {"char-mlp": mlp, "char-wavenet": wavenet}[task.model](task)
    rate, random = task.hparams["learning_rate"], numpy.random.RandomState(task.seed)

    @tf.function(reduce_retracing=True)
    def train_step(rows: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            logits = forward(tf.gather(letters, rows))
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.gather(following, rows), logits)
            loss = tf.reduce_mean(losses)
        for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
            weight.assign_sub(rate * tf.convert_to_tensor(gradient))
        return loss

    for _ in task.turns(f"a step a call, TensorFlow {tf.__version__}").epochs():
        for _ in range(task.hparams["steps_per_epoch"]):
            loss = train_step(tf.constant(random.randint(0, len(y), task.hparams["batch_size"])))
        loss.numpy()


def normal(*shape: int, scale: float = 1.0) -> tf.Variable:
    return tf.Variable(tf.random.normal(shape) * scale)


def mlp(task: Task) -> tuple[Forward, list[Any]]:
    width, hidden, new = task.hparams["embedding"], task.hparams["hidden"], task.hparams["running_momentum"]
    fan_in = task.hparams["context"] * width
    c, w1 = normal(task.classes, width), normal(fan_in, hidden, scale=(5 / 3) / fan_in**0.5)
    w2, b2 = normal(hidden, task.classes, scale=0.01), tf.Variable(tf.zeros(task.classes))
    gain, bias = tf.Variable(tf.ones(hidden)), tf.Variable(tf.zeros(hidden))
    running = [tf.Variable(tf.zeros(hidden), trainable=False), tf.Variable(tf.ones(hidden), trainable=False)]

    def forward(letters: tf.Tensor) -> tf.Tensor:
        before = tf.reshape(tf.gather(c, letters), (-1, fan_in)) @ w1
        mean, variance = tf.nn.moments(before, 0)
        std = tf.sqrt(variance)
        running[0].assign((1 - new) * running[0] + new * mean)
        running[1].assign((1 - new) * running[1] + new * std)
        return tf.tanh(gain * (before - mean) / std + bias) @ w2 + b2

    return forward, [c, w1, w2, b2, gain, bias]


def wavenet(task: Task) -> tuple[Forward, list[Any]]:
    width, hidden = task.hparams["embedding"], task.hparams["hidden"]
    table, eps, new = normal(task.classes, width), task.hparams["bn_epsilon"], task.hparams["bn_momentum"]
    matrices = [normal(2 * fan_in, hidden, scale=(2 * fan_in) ** -0.5) for fan_in in (width, hidden, hidden)]
    gains, biases = ([tf.Variable(make(hidden)) for _ in matrices] for make in (tf.ones, tf.zeros))
    means, variances = ([tf.Variable(make(hidden), trainable=False) for _ in matrices] for make in (tf.zeros, tf.ones))
    last, last_bias = normal(hidden, task.classes, scale=0.1 * hidden**-0.5), tf.Variable(tf.zeros(task.classes))

    def forward(letters: tf.Tensor) -> tf.Tensor:
        x = tf.gather(table, letters)
        for layer, matrix in enumerate(matrices):
            _, positions, size = x.shape
            x = tf.reshape(x, (-1, 2 * size) if positions == 2 else (-1, positions // 2, 2 * size))
            x = tf.tensordot(x, matrix, 1)
            mean, variance = tf.nn.moments(x, list(range(len(x.shape) - 1)))
            means[layer].assign((1 - new) * means[layer] + new * mean)
            variances[layer].assign((1 - new) * variances[layer] + new * variance)
            x = tf.tanh(tf.nn.batch_normalization(x, mean, variance, biases[layer], gains[layer], eps))
        return x @ last + last_bias

    return forward, [table, *matrices, *gains, *biases, last, last_bias]


if __name__ == "__main__":
    main()
