"""What a framework would bring: convolution, batch norm, a step of gradient descent."""

from __future__ import annotations

from typing import Any

import numpy


def convolve(images: numpy.ndarray, kernels: numpy.ndarray) -> numpy.ndarray:
    """images [n, h, w], kernels [k, 3, 3] -> [n, k, h - 2, w - 2]."""
    h, w = images.shape[1] - 2, images.shape[2] - 2
    shifted = numpy.stack([images[:, i : i + h, j : j + w] for i in range(3) for j in range(3)], axis=1)
    return numpy.tensordot(shifted, kernels.reshape(len(kernels), 9), axes=(1, 1)).transpose(0, 3, 1, 2)


class BatchNorm:
    """x [n, features]; ``kept`` is the share of the running mean and variance that a batch leaves."""

    kept = 0.95

    def __init__(self, features: int) -> None:
        self.mean, self.variance = numpy.zeros(features), numpy.ones(features)

    def __call__(self, x: numpy.ndarray, training: bool) -> numpy.ndarray:
        mean, variance = (x.mean(axis=0), x.var(axis=0)) if training else (self.mean, self.variance)
        if training:
            self.mean = self.kept * self.mean + (1 - self.kept) * mean
            self.variance = self.kept * self.variance + (1 - self.kept) * variance
        return (x - mean) / numpy.sqrt(variance + 1e-3)


def descend(weights: dict[str, Any], gradients: dict[str, Any], rate: float, decay: float) -> None:
    for name, gradient in gradients.items():
        weights[name] -= rate * (gradient + decay * weights[name])
