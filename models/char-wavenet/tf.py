"""makemore, part 5, in TensorFlow: the twin of pytorch.py, from the same first weights and batches."""

from __future__ import annotations

import math
from typing import Any, Dict, List

import tensorflow as tf
from draws import Draws
from letters_tf import chunks, examples, make_train_steps, mean_loss


class BatchNorm:
    """x [n, width] or [n, positions, width], normalised over all axes but the last; cell 7."""

    def __init__(self, width: int, hparams: Dict[str, Any]) -> None:
        self.gamma, self.beta = tf.Variable(tf.ones(width)), tf.Variable(tf.zeros(width))
        self.running_mean = tf.Variable(tf.zeros(width), trainable=False)
        self.running_var = tf.Variable(tf.ones(width), trainable=False)
        self.eps, self.momentum = hparams["bn_epsilon"], hparams["bn_momentum"]

    def __call__(self, x: tf.Tensor, training: bool) -> tf.Tensor:
        axes = list(range(len(x.shape) - 1))
        mean = tf.reduce_mean(x, axes) if training else self.running_mean
        centred = x - mean
        var = variance(centred, axes) if training else self.running_var
        if training:
            self.follow(mean, var)
        return self.gamma * (centred / tf.sqrt(var + self.eps)) + self.beta

    def follow(self, mean: tf.Tensor, var: tf.Tensor) -> None:
        self.running_mean.assign((1 - self.momentum) * self.running_mean + self.momentum * mean)
        self.running_var.assign((1 - self.momentum) * self.running_var + self.momentum * var)


def variance(centred: tf.Tensor, axes: List[int]) -> tf.Tensor:
    """The variance of n - 1."""
    count = math.prod(centred.shape[axis] for axis in axes)
    return tf.reduce_sum(tf.square(centred), axes) / (count - 1)


class WaveNet:
    """letters [n, 8] -> logits [n, classes]; cell 9."""

    def __init__(self, classes: int, hparams: Dict[str, Any], g: Draws) -> None:
        n_embd, n_hidden = hparams["embedding"], hparams["hidden"]

        def weight(fan_in: int, fan_out: int, scale: float = 1.0) -> tf.Variable:
            return tf.Variable(g.normals((fan_in, fan_out)) / fan_in**0.5 * scale)

        # The order of the draws belongs to the recipe.
        self.embedding = tf.Variable(g.normals((classes, n_embd)))
        fan_ins = (2 * n_embd, 2 * n_hidden, 2 * n_hidden)
        self.hidden_weights = [weight(fan_in, n_hidden) for fan_in in fan_ins]
        self.norms = [BatchNorm(n_hidden, hparams) for _ in fan_ins]
        self.last_weight = weight(n_hidden, classes, hparams["last_scale"])
        self.last_bias = tf.Variable(tf.zeros(classes))
        gains = [variable for norm in self.norms for variable in (norm.gamma, norm.beta)]
        followed = [variable for norm in self.norms for variable in (norm.running_mean, norm.running_var)]
        self.trainable_weights = [self.embedding, *self.hidden_weights, *gains, self.last_weight, self.last_bias]
        self.weights = [*self.trainable_weights, *followed]

    def __call__(self, letters: tf.Tensor, training: bool) -> tf.Tensor:
        x = tf.gather(self.embedding, letters)
        for weight, norm in zip(self.hidden_weights, self.norms):
            x = tf.tanh(norm(tf.tensordot(pairs(x), weight, 1), training))
        return x @ self.last_weight + self.last_bias


def pairs(x: tf.Tensor) -> tf.Tensor:
    """Two neighbours beside each other: [n, positions, width] -> [n, positions / 2, 2 width], or [n, 2 width]."""
    _, positions, width = x.shape
    return tf.reshape(x, (-1, 2 * width) if positions == 2 else (-1, positions // 2, 2 * width))


def train(run: Any) -> None:
    hparams = run.hparams
    g = Draws(hparams["generator_seed"] + run.seed)
    model = WaveNet(run.classes, hparams, g)
    run.weights("initial", model)
    letters, following = examples(run, "train")
    train_steps = make_train_steps(model, letters, following, hparams)
    kept: Dict[str, Any] = {"step": 0, "printed": []}
    run.keep(model=model, g=g, kept=kept)

    for _ in run.epochs():
        for batches in run.steps(chunks(run, g, len(following))):
            step = kept["step"]
            rate = hparams["learning_rate"] if step < hparams["decay_step"] else hparams["final_learning_rate"]
            losses = train_steps(tf.constant(batches), tf.constant(rate, tf.float32)).numpy()
            if step % hparams["steps_per_epoch"] == 0:
                kept["printed"].append(float(losses[0]))
            run.loss(losses.mean())
            kept["step"] += len(losses)

    run.metric("train_loss", mean_loss(model, *examples(run, "train")))
    run.metric("val_loss", mean_loss(model, *examples(run, "val")))
    published = hparams["published_step_losses"]
    run.metric("step_loss_deviation", max(abs(ours - theirs) for ours, theirs in zip(kept["printed"], published)))
    run.weights("final", model)
