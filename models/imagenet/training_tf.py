"""How the image models are trained in TensorFlow: the twin of training_pytorch.py, piece by piece.

A model's file has ``build(classes, hparams)`` and hands it to ``train`` and ``speed``.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import inputs
import layers_tf
import mixing
import results
import tensorflow as tf
from convolutions_tf import with_own_gradients
from optimizers_tf import Average, clipped, make_update
from schedules import average_decay, learning_rate

# What may be chosen by speed alone: whether XLA compiles the step, and, on a processor, gradients in another way.
CHOICES = (
    {"compile": False, "own_gradients": False},
    {"compile": False, "own_gradients": True},
    {"compile": True, "own_gradients": False},
)

Build = Callable[[int, Dict[str, Any]], tf.keras.Model]


def train(run: Any, build: Build) -> None:
    hparams = run.hparams
    set_precision(hparams)
    model = make(run.classes, hparams, build)
    run.weights("initial", model)
    step = Step(model, run)
    average = make_average(model, hparams)
    best: Dict[str, float] = {}
    run.keep(model=model, update=step.state, best=best, **({"average": average.state} if average else {}))
    predict = make_predict(model, hparams)
    batch_size = int(hparams["batch_size"])
    samples = inputs.samples_of(run, "train")
    steps = -(-samples // batch_size)  # rounded up: the last batch is smaller

    for epoch in run.epochs():
        coming = run.steps(inputs.batches(run, "train", batch_size))
        for number, (pixels, labels) in enumerate(coming, start=run.steps_done):
            mix = mixing.draw(hparams, run.seed, epoch, number, *pixels.shape[1:3])
            layers_tf.set_moment(run.seed, epoch * steps + number)
            rate = learning_rate(hparams, epoch, number / steps)
            whole = min(batch_size, samples - number * batch_size)
            run.loss(step(normalize(pixels, hparams), tf.constant(labels), rate, mix, whole))
            if average:
                average.update(number, follow=epoch < hparams.get("warmup_epochs", 0))
        with averaged(model, average):
            reached = results.report(run, epoch, evaluate(predict, run), best)
        if reached:
            break
    with averaged(model, average):
        run.weights("final", model)


def speed(run: Any, build: Build) -> None:
    """Training steps on one synthetic batch that already lies on the device."""
    set_precision(run.hparams)
    if run.hparams.get("settings") == "fastest":
        choices = [choice for choice in CHOICES if run.device == "cpu" or not choice["own_gradients"]]
        run.fastest(choices, lambda: synthetic_step(run, build)[0])
    step, model, whole = synthetic_step(run, build)
    run.weights("initial", model)
    for _ in run.timed_steps(samples=whole):
        step()


def make(classes: int, hparams: Dict[str, Any], build: Build) -> tf.keras.Model:
    model = build(classes, hparams)
    return with_own_gradients(model) if hparams.get("own_gradients") else model


def synthetic_step(run: Any, build: Build) -> Tuple[Callable[[], tf.Tensor], tf.keras.Model, int]:
    """A training step, the model that it trains, and how many images it trains on, of all devices."""
    hparams = run.hparams
    model = make(1000, hparams, build)
    step = Step(model, run)
    batch_size = int(hparams["batch_size_gpu" if run.device == "cuda" else "batch_size_cpu"])
    images, labels = synthetic_batch(batch_size, hparams, run.seed)
    whole = batch_size * step.world
    return lambda: step(images, labels, hparams["learning_rate"], None, whole), model, whole


class Step:
    """One update of a model as a graph; a call returns the batch's mean loss.

    With several devices, each calls it with its part of a batch of ``whole`` images: gradients and
    the loss are those of the whole batch, while a batch normalisation sees its own part only, as in
    the published trainings.
    """

    def __init__(self, model: tf.keras.Model, run: Any) -> None:
        hparams = run.hparams
        _, self.world = run.together()
        self.model, self.weights = model, model.trainable_variables
        self.state: List[tf.Variable] = []  # what a checkpoint needs beside the model's weights
        self.update = make_update(model, hparams, self.state)
        self.parts = int(hparams.get("accumulate", 1))
        self.clip_norm = float(hparams.get("clip_norm", 0.0))
        self.smoothing = float(hparams.get("label_smoothing", 0.0))
        self.aux_weight = float(hparams.get("aux_weight", 0.0))
        self.scale = LossScale(self.state) if hparams["precision"] == "fp16" else None
        # One graph for every batch size: the last batch of an epoch is smaller.
        signature = [
            images_of(model),
            tf.TensorSpec((None,), tf.int64),
            tf.TensorSpec((), tf.float32),
            tf.TensorSpec((), tf.float32),
        ]
        compiled = bool(hparams.get("compile", False))
        mixed = [*signature, tf.TensorSpec((), tf.float32), tf.TensorSpec((4,), tf.int32)]
        self.plain = tf.function(self.everywhere(self.step), input_signature=signature, jit_compile=compiled)
        self.mixed = tf.function(self.everywhere(self.mixed_step), input_signature=mixed, jit_compile=compiled)

    def __call__(
        self, images: tf.Tensor, labels: tf.Tensor, rate: float, mix: Optional[mixing.Mix], whole: int
    ) -> tf.Tensor:
        at, portion = tf.constant(rate, tf.float32), tf.constant(len(labels) / whole, tf.float32)
        if not mix:
            return self.plain(images, labels, at, portion)
        share, box = tf.constant(mix.share, tf.float32), tf.constant(mix.box or (0, 0, 0, 0))
        return self.mixed(images, labels, at, portion, share, box)

    def everywhere(self, step: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
        """``step`` on every device at once, where there are several."""
        if self.world == 1:
            return step
        strategy = tf.distribute.get_strategy()

        def on_all(*inputs: tf.Tensor) -> tf.Tensor:
            return strategy.experimental_local_results(strategy.run(step, args=inputs))[0]

        return on_all

    def step(self, images: Any, labels: Any, rate: Any, portion: Any) -> tf.Tensor:
        return self.follow(images, labels, labels, None, rate, portion)

    def mixed_step(self, images: Any, labels: Any, rate: Any, portion: Any, share: Any, box: Any) -> tf.Tensor:
        return self.follow(mixed_images(images, share, box), labels, tf.roll(labels, 1, 0), share, rate, portion)

    def follow(self, images: Any, labels: Any, neighbours: Any, share: Any, rate: Any, portion: Any) -> tf.Tensor:
        gradients, loss = self.gradients(images, labels, neighbours, share)
        if self.world > 1:
            replica = tf.distribute.get_replica_context()
            parts = [gradient * portion for gradient in gradients]
            *gradients, loss = replica.all_reduce(tf.distribute.ReduceOp.SUM, [*parts, loss * portion])
        if self.clip_norm:
            gradients = clipped(gradients, self.clip_norm)
        if self.scale:
            self.scale.follow(gradients, lambda: self.update(gradients, rate))
        else:
            self.update(gradients, rate)
        return loss

    def gradients(self, images: Any, labels: Any, neighbours: Any, share: Any) -> Tuple[List[Any], Any]:
        """Of the batch's mean loss; with ``accumulate``, added up over as many parts of it."""
        if self.parts == 1:
            return self.part_gradients(images, labels, neighbours, share, 1.0)
        samples = tf.shape(images)[0]
        edges = [samples * part // self.parts for part in range(self.parts + 1)]
        gradients, total = [tf.zeros(weight.shape) for weight in self.weights], tf.constant(0.0)
        for start, stop in itertools.pairwise(edges):
            part = slice(start, stop)
            portion = tf.cast(stop - start, tf.float32) / tf.cast(samples, tf.float32)
            of_part = (images[part], labels[part], neighbours[part], share, portion)
            # The last batch may have fewer images than parts, and the mean of none is not a number.
            gradients, total = tf.cond(
                stop > start,
                functools.partial(self.added, gradients, total, of_part),
                functools.partial(tuple, (gradients, total)),
            )
        return gradients, total

    def added(self, gradients: List[Any], total: Any, of_part: Tuple[Any, ...]) -> Tuple[List[Any], Any]:
        found, loss = self.part_gradients(*of_part)
        return [one + other for one, other in zip(gradients, found)], total + loss

    def part_gradients(self, images: Any, labels: Any, neighbours: Any, share: Any, portion: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = self.loss(self.model(images, training=True), labels, neighbours, share) * portion
            scaled = self.scale.scaled(loss) if self.scale else loss
        gradients = tape.gradient(scaled, self.weights)
        return [self.scale.unscaled(one) for one in gradients] if self.scale else gradients, loss

    def loss(self, outputs: Any, labels: Any, neighbours: Any, share: Any) -> tf.Tensor:
        """Cross entropy, of auxiliary heads too, in fp32."""
        main, *heads = outputs if isinstance(outputs, (list, tuple)) else (outputs,)
        loss = self.cross_entropy(main, labels, neighbours, share)
        for head in heads:
            loss += self.aux_weight * self.cross_entropy(head, labels, neighbours, share)
        return loss

    def cross_entropy(self, logits: tf.Tensor, labels: tf.Tensor, neighbours: tf.Tensor, share: Any) -> tf.Tensor:
        """Labels are smoothed by Szegedy et al. 2016, equation 6, and mixed by the share of their pixels."""
        logits = tf.cast(logits, tf.float32)
        loss = tf.reduce_mean(smoothed_cross_entropy(labels, logits, self.smoothing))
        if share is None:
            return loss
        other = tf.reduce_mean(smoothed_cross_entropy(neighbours, logits, self.smoothing))
        return share * loss + (1.0 - share) * other


def smoothed_cross_entropy(labels: tf.Tensor, logits: tf.Tensor, smoothing: float) -> tf.Tensor:
    """float32 [n] of labels [n] and logits [n, classes]."""
    hard = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    if not smoothing:
        return hard
    spread = -tf.reduce_mean(tf.nn.log_softmax(logits), axis=1)
    return (1.0 - smoothing) * hard + smoothing * spread


class LossScale:
    """fp16: the loss is scaled so that small gradients do not vanish, and a step whose gradients
    overflow is skipped (Micikevicius et al. 2018, section 3.2).  The numbers are PyTorch's.
    """

    def __init__(self, state: List[tf.Variable]) -> None:
        self.scale = tf.Variable(2.0**16, trainable=False)
        self.good = tf.Variable(0, trainable=False)  # steps without an overflow since the scale last changed
        state.extend([self.scale, self.good])

    def scaled(self, loss: tf.Tensor) -> tf.Tensor:
        return loss * self.scale

    def unscaled(self, gradient: tf.Tensor) -> tf.Tensor:
        return gradient / self.scale

    def follow(self, gradients: List[tf.Tensor], update: Callable[[], None]) -> None:
        finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients])

        def go_on() -> None:
            update()
            if_long = self.good + 1 >= 2000
            self.scale.assign(tf.where(if_long, self.scale * 2.0, self.scale))
            self.good.assign(tf.where(if_long, 0, self.good + 1))

        def skip() -> None:
            self.scale.assign(self.scale * 0.5)
            self.good.assign(0)

        tf.cond(finite, go_on, skip)


def mixed_images(images: tf.Tensor, share: tf.Tensor, box: tf.Tensor) -> tf.Tensor:
    """With an empty box all pixels are averaged by ``share``, else the neighbour's are pasted into the box."""
    neighbours = tf.roll(images, 1, 0)
    rows, columns = tf.range(tf.shape(images)[1]), tf.range(tf.shape(images)[2])
    down = tf.logical_and(rows >= box[0], rows < box[1])[:, None]
    right = tf.logical_and(columns >= box[2], columns < box[3])[None, :]
    pasted = tf.where(tf.logical_and(down, right)[None, :, :, None], neighbours, images)
    return tf.where(box[1] > box[0], pasted, images * share + neighbours * (1.0 - share))


def make_average(model: tf.keras.Model, hparams: Dict[str, Any]) -> Optional[Average]:
    if "ema_decay" not in hparams:
        return None
    return Average(model, average_decay(hparams, int(hparams["batch_size"])), int(hparams["ema_steps"]))


@contextlib.contextmanager
def averaged(model: tf.keras.Model, average: Optional[Average]) -> Iterator[None]:
    """The model with the averaged weights, where there are some, for the time of the block."""
    if average is None:
        yield
        return
    own = model.get_weights()
    model.set_weights([mean.numpy() for mean in average.weights])
    yield
    model.set_weights(own)


def images_of(model: tf.keras.Model) -> tf.TensorSpec:
    """What it takes: float32 [n, height, width, channels], of any number and size."""
    return tf.TensorSpec((None, None, None, model.input_shape[-1]), tf.float32)


def make_predict(model: tf.keras.Model, hparams: Dict[str, Any]) -> Callable[[tf.Tensor], tf.Tensor]:
    """The graph from images to the classes of the highest logits, best first: int32 [n, max k]."""
    k = max(hparams["top_k"])

    @tf.function(input_signature=[images_of(model)])
    def predict(images: tf.Tensor) -> tf.Tensor:
        outputs = model(images, training=False)
        return tf.math.top_k(outputs[0] if isinstance(outputs, (list, tuple)) else outputs, k).indices

    return predict


def evaluate(predict: Callable[[tf.Tensor], tf.Tensor], run: Any) -> Dict[str, float]:
    """top-k accuracy as a fraction of the evaluation split, for every k of ``hparams["top_k"]``."""
    split, top_k = run.hparams["eval_split"], run.hparams["top_k"]
    right = dict.fromkeys(top_k, 0)
    for pixels, labels in inputs.batches(run, split, int(run.hparams["eval_batch_size"])):
        hits = predict(normalize(pixels, run.hparams)).numpy() == labels[:, None]
        for k in top_k:
            right[k] += int(hits[:, :k].sum())
    counts = run.total([right[k] for k in top_k])
    return {"top%d" % k: count / inputs.samples_of(run, split) for k, count in zip(top_k, counts)}


def set_precision(hparams: Dict[str, Any]) -> None:
    """What matrix products and convolutions are computed in; weights stay fp32."""
    policies = {"fp32": "float32", "tf32": "float32", "bf16": "mixed_bfloat16", "fp16": "mixed_float16"}
    tf.keras.mixed_precision.set_global_policy(policies[hparams["precision"]])
    tf.config.experimental.enable_tensor_float_32_execution(hparams["precision"] == "tf32")


def synthetic_batch(batch_size: int, hparams: Dict[str, Any], seed: int) -> Tuple[tf.Tensor, tf.Tensor]:
    """images float32 [n, side, side, 3] and labels [n], drawn on the device from the run's seed."""
    side = int(hparams.get("image_size", 224))
    images = tf.random.stateless_normal((batch_size, side, side, 3), (seed, 0))
    labels = tf.random.stateless_uniform((batch_size,), (seed, 1), maxval=1000, dtype=tf.int64)
    return images, labels


def normalize(pixels: Any, hparams: Dict[str, Any]) -> tf.Tensor:
    """pixels uint8 [n, height, width, 3] -> images float32 of the same shape."""
    return (tf.cast(tf.constant(pixels), tf.float32) - hparams["pixel_mean"]) / hparams["pixel_std"]
