"""Weights from a PyTorch state dict into a Keras model, by the names of layers.

A Keras layer is called as its PyTorch module ("stage2.0.conv1").  What both call differently:

====================================  ==============================  =========================
Keras                                 PyTorch                         turned
====================================  ==============================  =========================
``kernel`` [..., in, out]             ``weight`` [out, in, ...]       axes moved
of a depthwise one, [h, w, in, m]     ``weight`` [in * m, 1, h, w]    axes moved
``gamma``, ``beta``, ``bias``         ``weight``, ``bias``, ``bias``  as they are
``moving_mean``, ``moving_variance``  ``running_mean``, ``_var``      as they are
``embeddings``                        ``weight``                      as they are
====================================  ==============================  =========================

A depthwise kernel is ``kernel`` in Keras 3 as every other one, and known by its shape; Keras 2 says
``depthwise_kernel``.  A bare parameter (a class token, a layer scale) is the only weight of a Keras layer that has the
parameter's whole name.  Integers are counters, not weights.  Runs in a framework's environment:
numpy only, and whatever model it is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy

PARTS = {
    "kernel": "weight",
    "depthwise_kernel": "weight",
    "embeddings": "weight",
    "gamma": "weight",
    "beta": "bias",
    "bias": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def load(model: Any, state: Mapping[str, numpy.ndarray]) -> None:
    """Give ``model`` (Keras) the numbers of ``state`` (PyTorch).

    Raises ValueError that names every weight of either side that has no counterpart, or another shape.
    """
    faults, turned = [], {}
    for name, variable in pairs(model, [name for name, array in state.items() if array.dtype.kind == "f"]):
        array = as_keras(state[name], part_of(variable), tuple(variable.shape))
        if array.shape != tuple(variable.shape):
            faults.append(f"{name} {state[name].shape} does not fit {path_of(variable)} {tuple(variable.shape)}")
        turned[name] = variable, array
    if faults:
        raise ValueError("\n".join(faults))
    for variable, array in turned.values():
        variable.assign(array)


def pairs(model: Any, names: Iterable[str]) -> list[tuple[str, Any]]:
    """Each of PyTorch's ``names`` with its variable of the Keras model, in Keras' order.

    Raises ValueError that names every one of either side that is left over.
    """
    free, found, faults = set(names), [], []
    for variable in model.weights:
        if "int" in str(variable.dtype):
            continue
        layer = path_of(variable).split("/")[-2]
        # The layer's own name is asked for last: a parameter may be called as a module is.
        candidates = (f"{layer}.{PARTS.get(part_of(variable), '')}", layer)
        name = next((each for each in candidates if each in free), None)
        if name is None:
            faults.append(f"Keras' {path_of(variable)} has no counterpart (looked for {' and '.join(candidates)})")
            continue
        free.remove(name)
        found.append((name, variable))
    faults += [f"PyTorch's {name} is used by no layer" for name in sorted(free)]
    if faults:
        raise ValueError("\n".join(faults))
    return found


def as_keras(array: numpy.ndarray, part: str, shape: tuple[int, ...]) -> numpy.ndarray:
    """PyTorch's array as Keras lays it out; ``shape`` tells how many outputs a depthwise kernel has for each input."""
    if part in ("kernel", "depthwise_kernel") and array.ndim == 4 and len(shape) == 4:
        out, one, height, width = array.shape
        # With one input channel of all, a depthwise kernel and an ordinary one lie alike.
        if one == 1 and out == shape[2] * shape[3]:
            return array.reshape(shape[2], shape[3], height, width).transpose(2, 3, 0, 1)
    if part == "kernel" and array.ndim > 1:
        return numpy.moveaxis(array, (0, 1), (-1, -2))
    return array


def path_of(variable: Any) -> str:
    """ "conv1/kernel", from Keras 3's path or Keras 2's name."""
    return str(variable.path if hasattr(variable, "path") else variable.name).split(":", maxsplit=1)[0]


def part_of(variable: Any) -> str:
    return path_of(variable).rsplit("/", maxsplit=1)[-1]
