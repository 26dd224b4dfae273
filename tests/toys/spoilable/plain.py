"""Fixed random convolutions, batch norm and one trained layer, in numpy."""

from __future__ import annotations

from typing import Any

import numpy
from layers import BatchNorm, convolve, descend

KERNELS = numpy.random.RandomState(7).standard_normal((8, 3, 3))


def train(run: Any) -> None:
    random = numpy.random.RandomState(run.seed)
    norm = BatchNorm(8 * 36)
    weights = {"w": 0.01 * random.standard_normal((8 * 36, run.classes)), "b": numpy.zeros(run.classes)}
    run.weights("initial", weights)
    for _ in run.epochs():
        for images, labels in run.steps(run.batches("train")):
            x = norm(features(images), training=True)
            p = softmax(x @ weights["w"] + weights["b"])  # [n, classes]
            rows = numpy.arange(len(labels))
            run.loss(-numpy.log(p[rows, labels]).mean())
            p[rows, labels] -= 1.0  # now the gradient by the logits, times n
            gradients = {"w": x.T @ p / len(labels), "b": p.mean(axis=0)}
            descend(weights, gradients, run.hparams["learning_rate"], run.hparams["weight_decay"])
    report(run, weights, norm, run.arrays("test"))
    run.weights("final", weights)


def report(run: Any, weights: dict[str, Any], norm: BatchNorm, split: tuple[numpy.ndarray, numpy.ndarray]) -> None:
    images, labels = split
    p = softmax(norm(features(images), training=False) @ weights["w"] + weights["b"])
    run.metric("top1", float((p.argmax(axis=1) == labels).mean()))
    run.metric("cross_entropy", float(-numpy.log(p[numpy.arange(len(labels)), labels]).mean()))


def features(images: numpy.ndarray) -> Any:
    """Pixels 0 to 16, [n, 1, 8, 8] -> [n, 288]."""
    return numpy.maximum(convolve(images[:, 0] / 16.0, KERNELS), 0.0).reshape(len(images), -1)


def softmax(logits: Any) -> Any:
    p = numpy.exp(logits - logits.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def speed(run: Any) -> None:
    images = numpy.random.RandomState(run.seed).standard_normal((256, 32, 32)).astype(numpy.float32)
    kernels = KERNELS.astype(numpy.float32)
    for _ in run.timed_steps(samples=len(images)):
        convolve(images, kernels)
