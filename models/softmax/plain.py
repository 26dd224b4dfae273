"""Softmax regression in numpy (Bishop 2006, section 4.3.4), by stochastic gradient descent."""

from __future__ import annotations

from typing import Any, Tuple

import numpy


def train(run: Any) -> None:
    random = numpy.random.RandomState(run.seed)
    weights = {"w": 0.01 * random.standard_normal((64, run.classes)), "b": numpy.zeros(run.classes)}
    run.weights("initial", weights)
    run.keep(weights=weights)
    for _ in run.epochs():
        for images, labels in run.steps(run.batches("train")):
            x = flatten(images)
            p = softmax(x @ weights["w"] + weights["b"])  # [n, classes]
            run.loss(-numpy.log(p[numpy.arange(len(labels)), labels]).mean())
            p[numpy.arange(len(labels)), labels] -= 1.0  # now the gradient by the logits, times n
            weights["w"] -= run.hparams["learning_rate"] * x.T @ p / len(labels)
            weights["b"] -= run.hparams["learning_rate"] * p.mean(axis=0)
        run.metric("top1", accuracy(weights, run.arrays("test")))
    run.weights("final", weights)


def accuracy(weights: Any, split: Tuple[numpy.ndarray, numpy.ndarray]) -> float:
    images, labels = split
    return float(((flatten(images) @ weights["w"] + weights["b"]).argmax(axis=1) == labels).mean())


def flatten(images: numpy.ndarray) -> numpy.ndarray:
    """Pixels 0 to 16, [n, 1, 8, 8] -> float64 [n, 64] between 0 and 1."""
    return images.reshape(len(images), -1) / 16.0


def softmax(logits: numpy.ndarray) -> numpy.ndarray:
    p = numpy.exp(logits - logits.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)
