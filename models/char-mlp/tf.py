"""makemore, part 3, in TensorFlow: the twin of pytorch.py, from the same first weights and batches."""

from __future__ import annotations

from typing import Any, Dict

import tensorflow as tf
from draws import Draws
from letters_tf import chunks, examples, make_train_steps, mean_loss


class MLP:
    """letters [n, context] -> logits [n, classes]; cells 6 and 7."""

    def __init__(self, classes: int, hparams: Dict[str, Any], g: Draws) -> None:
        n_embd, n_hidden = hparams["embedding"], hparams["hidden"]
        self.fan_in = hparams["context"] * n_embd
        # The order of the draws belongs to the recipe.  5/3 is the gain of tanh.
        self.C = tf.Variable(g.normals((classes, n_embd)))
        self.W1 = tf.Variable(g.normals((self.fan_in, n_hidden)) * (5 / 3) / self.fan_in**0.5)
        self.W2 = tf.Variable(g.normals((n_hidden, classes)) * hparams["last_scale"])
        self.b2 = tf.Variable(g.normals((classes,)) * 0)
        self.bngain, self.bnbias = tf.Variable(tf.ones((1, n_hidden))), tf.Variable(tf.zeros((1, n_hidden)))
        self.bnmean_running = tf.Variable(tf.zeros((1, n_hidden)), trainable=False)
        self.bnstd_running = tf.Variable(tf.ones((1, n_hidden)), trainable=False)
        self.trainable_weights = [self.C, self.W1, self.W2, self.b2, self.bngain, self.bnbias]
        self.weights = [*self.trainable_weights, self.bnmean_running, self.bnstd_running]
        self.new = hparams["running_momentum"]

    def __call__(self, letters: tf.Tensor, training: bool) -> tf.Tensor:
        embedded = tf.gather(self.C, letters)
        hpreact = tf.reshape(embedded, (-1, self.fan_in)) @ self.W1
        mean = tf.reduce_mean(hpreact, 0, keepdims=True) if training else self.bnmean_running
        centred = hpreact - mean
        std = deviation(centred) if training else self.bnstd_running
        if training:
            self.follow(mean, std)
        hpreact = self.bngain * centred / std + self.bnbias
        return tf.tanh(hpreact) @ self.W2 + self.b2

    def follow(self, mean: tf.Tensor, std: tf.Tensor) -> None:
        self.bnmean_running.assign((1 - self.new) * self.bnmean_running + self.new * mean)
        self.bnstd_running.assign((1 - self.new) * self.bnstd_running + self.new * std)


def deviation(centred: tf.Tensor) -> tf.Tensor:
    """Of n - 1, and no epsilon."""
    return tf.sqrt(tf.reduce_sum(tf.square(centred), 0, keepdims=True) / (centred.shape[0] - 1))


def train(run: Any) -> None:
    hparams = run.hparams
    g = Draws(hparams["generator_seed"] + run.seed)
    model = MLP(run.classes, hparams, g)
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
