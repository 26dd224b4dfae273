"""nanoGPT in TensorFlow: the twin of pytorch.py, from the same first weights and batches."""

from __future__ import annotations

from itertools import islice
from typing import Any, Callable, Dict, Iterator, List

import numpy
import recipe
import tensorflow as tf

EPSILON = 1e-8  # of Adam, PyTorch's default


class GPT:
    """characters [n, t] -> logits [n, t, classes]; model.py without dropout and biases."""

    def __init__(self, weights: Dict[str, numpy.ndarray], hparams: Dict[str, Any]) -> None:
        self.layers, self.heads = hparams["layers"], hparams["heads"]
        self.named = {name: tf.Variable(each) for name, each in weights.items()}
        self.weights = self.trainable_weights = list(self.named.values())
        block = hparams["block_size"]
        self.future = tf.constant(numpy.triu(numpy.full((block, block), -1e9, numpy.float32), 1))

    def __call__(self, characters: tf.Tensor) -> tf.Tensor:
        w = self.named
        x = tf.gather(w["wte"], characters) + w["wpe"]
        for layer in range(self.layers):
            x = x + self.attention(norm(x, w["h%d_ln_1" % layer]), layer)
            x = x + self.mlp(norm(x, w["h%d_ln_2" % layer]), layer)
        return tf.tensordot(norm(x, w["ln_f"]), tf.transpose(w["wte"]), 1)

    def attention(self, x: tf.Tensor, layer: int) -> tf.Tensor:
        n, t, width = x.shape
        query, key, value = (
            tf.transpose(tf.reshape(part, (n, t, self.heads, width // self.heads)), (0, 2, 1, 3))  # [n, heads, t, size]
            for part in tf.split(tf.tensordot(x, self.named["h%d_attn" % layer], 1), 3, axis=2)
        )
        scores = tf.matmul(query, key, transpose_b=True) / (width // self.heads) ** 0.5 + self.future
        mixed = tf.reshape(tf.transpose(tf.nn.softmax(scores) @ value, (0, 2, 1, 3)), (n, t, width))
        return tf.tensordot(mixed, self.named["h%d_attn_proj" % layer], 1)

    def mlp(self, x: tf.Tensor, layer: int) -> tf.Tensor:
        hidden = tf.nn.gelu(tf.tensordot(x, self.named["h%d_fc" % layer], 1))
        return tf.tensordot(hidden, self.named["h%d_fc_proj" % layer], 1)


def norm(x: tf.Tensor, gain: tf.Tensor) -> tf.Tensor:
    centred = x - tf.reduce_mean(x, -1, keepdims=True)
    return centred * tf.math.rsqrt(tf.reduce_mean(tf.square(centred), -1, keepdims=True) + 1e-5) * gain


def train(run: Any) -> None:
    hparams = run.hparams
    model = GPT(recipe.first_weights(run.classes, hparams, run.seed), hparams)
    run.weights("initial", model)
    moments = [[tf.Variable(tf.zeros(each.shape), trainable=False) for each in model.weights] for _ in range(2)]
    train_step, mean_loss = make_train_step(model, moments, hparams), make_mean_loss(model, hparams)
    draws = numpy.random.RandomState([run.seed, 1])
    batches = recipe.windows(recipe.text_of(run, "train"), hparams, draws)
    run.keep(model=model, moments=moments, draws=draws)
    per_epoch = hparams["steps_per_epoch"]

    for epoch in run.epochs():
        coming = run.steps(noted(run, islice(batches, per_epoch - run.steps_done)))
        for step, (x, y) in enumerate(coming, start=epoch * per_epoch + run.steps_done):
            rate = recipe.learning_rate(step, hparams)
            run.loss(train_step(tf.constant(x), tf.constant(y), tf.constant(rate, tf.float32), tf.constant(step + 1.0)))
        run.metric("val_loss", estimate(mean_loss, run))
    run.weights("final", model)


def noted(run: Any, batches: Iterator[recipe.Window]) -> Iterator[recipe.Window]:
    for batch in batches:
        run.saw_batch(*batch)
        yield batch


def make_mean_loss(model: GPT, hparams: Dict[str, Any]) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    shape = (hparams["batch_size"], hparams["block_size"])

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.int64)] * 2)
    def mean_loss(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, model(x)))

    return mean_loss


def make_train_step(model: GPT, moments: List[List[tf.Variable]], hparams: Dict[str, Any]) -> Callable[..., tf.Tensor]:
    """The graph of one update by AdamW as PyTorch does it; the first step is 1.  It returns the batch's mean loss.

    Matrices decay, gains do not; ``configure_optimizers``.
    """
    beta1, beta2 = hparams["beta1"], hparams["beta2"]
    weights = model.trainable_weights
    means, squares = moments  # of the gradients
    shape = (hparams["batch_size"], hparams["block_size"])
    batch, number = tf.TensorSpec(shape, tf.int64), tf.TensorSpec((), tf.float32)

    @tf.function(input_signature=[batch, batch, number, number])
    def train_step(x: tf.Tensor, y: tf.Tensor, rate: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, model(x)))
        gradients = [tf.convert_to_tensor(each) for each in tape.gradient(loss, weights)]
        scale = tf.minimum(1.0, hparams["clip_norm"] / (tf.linalg.global_norm(gradients) + 1e-6))
        for weight, mean, square, gradient in zip(weights, means, squares, gradients):
            clipped = scale * gradient
            mean.assign(beta1 * mean + (1 - beta1) * clipped)
            square.assign(beta2 * square + (1 - beta2) * tf.square(clipped))
            size = tf.sqrt(square / (1 - beta2**step)) + EPSILON
            decay = hparams["weight_decay"] if len(weight.shape) >= 2 else 0.0
            weight.assign(weight * (1 - rate * decay) - rate * (mean / (1 - beta1**step)) / size)
        return loss

    return train_step


def estimate(mean_loss: Callable[[tf.Tensor, tf.Tensor], tf.Tensor], run: Any) -> float:
    """The mean loss of windows from anywhere in the validation text, the same each time; ``estimate_loss``."""
    batches = recipe.windows(recipe.text_of(run, "val"), run.hparams, numpy.random.RandomState([run.seed, 2]))
    chosen = islice(batches, run.hparams["eval_batches"])
    losses = [float(mean_loss(tf.constant(x), tf.constant(y))) for x, y in chosen]
    return sum(losses) / len(losses)
