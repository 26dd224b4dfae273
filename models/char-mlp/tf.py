"""makemore, part 3, in TensorFlow: the twin of pytorch.py, from the same first weights and batches.

A thousand steps are one graph, because a step this small would otherwise be all overhead.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, Tuple

import numpy
import tensorflow as tf
from draws import Draws


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
    step, printed = 0, []

    for _ in run.epochs():
        for batches in run.steps(chunks(run, g, len(following))):
            rate = hparams["learning_rate"] if step < hparams["decay_step"] else hparams["final_learning_rate"]
            losses = train_steps(tf.constant(batches), tf.constant(rate, tf.float32)).numpy()
            if step % hparams["steps_per_epoch"] == 0:
                printed.append(float(losses[0]))
            run.loss(losses.mean())
            step += len(losses)

    run.metric("train_loss", mean_loss(model, *examples(run, "train")))
    run.metric("val_loss", mean_loss(model, *examples(run, "val")))
    published = hparams["published_step_losses"]
    run.metric("step_loss_deviation", max(abs(ours - theirs) for ours, theirs in zip(printed, published)))
    run.weights("final", model)


def make_train_steps(
    model: MLP, letters: tf.Tensor, following: tf.Tensor, hparams: Dict[str, Any]
) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """The graph of many updates: row numbers [steps, batch_size] and a rate -> each step's loss [steps]."""
    weights = model.trainable_weights
    rows_of_steps = tf.TensorSpec((None, hparams["batch_size"]), tf.int64)

    @tf.function(input_signature=[rows_of_steps, tf.TensorSpec((), tf.float32)])
    def train_steps(batches: tf.Tensor, rate: tf.Tensor) -> tf.Tensor:
        losses = tf.TensorArray(tf.float32, tf.shape(batches)[0])
        for step in tf.range(tf.shape(batches)[0]):
            tf.autograph.experimental.set_loop_options(parallel_iterations=1)
            rows = batches[step]
            with tf.GradientTape() as tape:
                logits = model(tf.gather(letters, rows), training=True)
                loss = cross_entropy(logits, tf.gather(following, rows))
            for weight, gradient in zip(weights, tape.gradient(loss, weights)):
                weight.assign_sub(rate * tf.convert_to_tensor(gradient))
            losses = losses.write(step, loss)
        return losses.stack()

    return train_steps


def cross_entropy(logits: tf.Tensor, following: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(following, logits))


def chunks(run: Any, g: Draws, samples: int) -> Iterator[numpy.ndarray]:
    """Row numbers of many steps, int64 [steps, batch_size], drawn with replacement."""
    size, steps = run.hparams["batch_size"], run.hparams["graph_steps"]
    for _ in range(run.hparams["steps_per_epoch"] // steps):
        batches = g.integers(samples, (steps, size))
        for rows in batches:
            run.saw_batch(rows)
        run.saw_batch(batches.ravel())  # so many samples pass before the harness counts again
        yield batches


def examples(run: Any, split: str) -> Tuple[tf.Tensor, tf.Tensor]:
    """The last letters int32 [n, context] and the one after them int32 [n]."""
    x, y = run.arrays(split)
    return tf.constant(x[:, -run.hparams["context"] :].astype("int32")), tf.constant(y.astype("int32"))


def mean_loss(model: MLP, letters: tf.Tensor, following: tf.Tensor) -> float:
    """Of a whole split at once, in nats, with the running statistics; the notebook's split_loss."""
    return float(cross_entropy(model(letters, training=False), following))
