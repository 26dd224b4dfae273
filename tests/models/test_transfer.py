"""Weights go from PyTorch to Keras by name, each exactly once, or an error names what is left."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy
import pytest

from tests.models import transfer


@dataclass
class Variable:
    """What transfer asks of a Keras variable."""

    path: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    value: Any = field(default=None)

    def assign(self, array: numpy.ndarray) -> None:
        self.value = array


def keras(**shapes: tuple[int, ...]) -> Any:
    """A model whose weights are called as the keywords, with "__" for the slash and "_of_" for a dot."""
    paths = {name.replace("_of_", ".").replace("__", "/"): shape for name, shape in shapes.items()}
    return SimpleNamespace(weights=[Variable(path, shape) for path, shape in paths.items()])


def numbers(*shape: int) -> numpy.ndarray:
    return numpy.arange(numpy.prod(shape), dtype=numpy.float32).reshape(shape)


@pytest.mark.parametrize("depthwise_kernel", ["depthwise_kernel", "kernel"])  # Keras 2, Keras 3
def test_each_kind_of_weight_is_turned_as_keras_lays_it_out(depthwise_kernel: str) -> None:
    depthwise_shape: Any = {f"depth__{depthwise_kernel}": (3, 3, 2, 2)}
    model = keras(
        stage_of_0__kernel=(3, 5, 2, 4),
        **depthwise_shape,
        norm__gamma=(4,),
        norm__beta=(4,),
        norm__moving_mean=(4,),
        norm__moving_variance=(4,),
        token__anything=(1, 1, 4),
        fc__kernel=(4, 7),
        fc__bias=(7,),
    )
    conv, depth, fc = numbers(4, 2, 3, 5), numbers(4, 1, 3, 3), numbers(7, 4)
    state = {
        "stage.0.weight": conv,
        "depth.weight": depth,
        "norm.weight": numbers(4),
        "norm.bias": numbers(4) + 1,
        "norm.running_mean": numbers(4) + 2,
        "norm.running_var": numbers(4) + 3,
        "norm.num_batches_tracked": numpy.array(5),
        "token": numbers(1, 1, 4),
        "fc.weight": fc,
        "fc.bias": numbers(7),
    }
    transfer.load(model, state)
    kernel, depthwise, gamma, beta, mean, variance, token, dense, bias = (each.value for each in model.weights)
    assert kernel[1, 2, 0, 3] == conv[3, 0, 1, 2]
    assert depthwise[1, 2, 1, 0] == depth[2, 0, 1, 2]  # the first of the two outputs of the second channel
    assert (gamma[0], beta[0], mean[0], variance[0]) == (0, 1, 2, 3)
    assert (token.shape, bias[-1]) == ((1, 1, 4), 6)
    assert (dense == fc.T).all()


def test_names_of_keras_2_are_understood_and_counters_are_no_weights() -> None:
    weight = SimpleNamespace(name="conv1/kernel:0", shape=(1, 1, 3, 4), dtype="<dtype: 'float32'>")
    counter = SimpleNamespace(name="drop/drawn:0", shape=(), dtype="<dtype: 'int32'>")
    found = transfer.pairs(SimpleNamespace(weights=[weight, counter]), ["conv1.weight"])
    assert found == [("conv1.weight", weight)]


def test_every_weight_that_is_left_over_is_named() -> None:
    model = keras(conv1__kernel=(1, 1, 3, 4), fc__kernel=(4, 7))
    state = {"conv1.weight": numbers(4, 3, 1, 1), "conv2.weight": numbers(4, 4, 1, 1), "fc.bias": numbers(7)}
    with pytest.raises(ValueError, match="fc/kernel") as left:
        transfer.load(model, state)
    assert str(left.value).splitlines() == [
        "Keras' fc/kernel has no counterpart (looked for fc.weight and fc)",
        "PyTorch's conv2.weight is used by no layer",
        "PyTorch's fc.bias is used by no layer",
    ]
    assert model.weights[0].value is None


def test_a_weight_of_another_shape_is_named_and_nothing_is_loaded() -> None:
    model = keras(conv1__kernel=(1, 1, 3, 4), norm1__gamma=(5,))
    state = {"conv1.weight": numbers(4, 3, 1, 1), "norm1.weight": numbers(4)}
    with pytest.raises(ValueError, match=re.escape("norm1.weight (4,) does not fit norm1/gamma (5,)")):
        transfer.load(model, state)
    assert model.weights[0].value is None
