"""Spoils what a framework computes, as a bad build of it would: ``PLANTED`` says how.

An environment sets ``PYTHONPATH`` to this folder among its ``[variables]``, so that the worker's Python runs this
file before anything else.  Neither the harness nor a model is touched: a function is replaced in the module of the
framework when that is imported.  ``layers`` is what the toy of the tests has for a framework.  Old Python.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import os
import sys
import time
from typing import Any, Callable, Dict, Optional

SLOWER = 0.10
FORWARD_AND_BACKWARD = 3  # passes, as FLOPs are counted: the backward of a convolution costs two forwards
LOST = 0.02  # of the labels


class _After(importlib.abc.MetaPathFinder):
    """Calls ``change`` with a module right after it was loaded."""

    def __init__(self, name: str, change: Callable[[Any], None]) -> None:
        self.name = name
        self.change = change

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[Any]:
        if name != self.name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        loader: Any = spec and spec.loader
        if loader is None:
            return None
        load = loader.exec_module

        def load_and_change(module: Any) -> None:
            load(module)
            self.change(module)

        loader.exec_module = load_and_change
        return spec


def after_import(name: str, change: Callable[[Any], None]) -> None:
    sys.meta_path.insert(0, _After(name, change))


def slow_convolution() -> None:
    """Each convolution takes a tenth longer, for its backward too; on a CPU, where calls return when they are done."""

    def slow(module: Any, name: str, passes: Callable[[], int]) -> None:
        convolve = getattr(module, name)

        def slower(*inputs: Any, **options: Any) -> Any:
            start = time.perf_counter()
            result = convolve(*inputs, **options)
            end = time.perf_counter()
            end += SLOWER * passes() * (end - start)
            while time.perf_counter() < end:
                pass
            return result

        setattr(module, name, slower)

    def slow_torch(functional: Any) -> None:
        import torch

        for name in ("conv1d", "conv2d"):
            slow(functional, name, lambda: FORWARD_AND_BACKWARD if torch.is_grad_enabled() else 1)

    after_import("torch.nn.functional", slow_torch)
    after_import("layers", lambda layers: slow(layers, "convolve", lambda: 1))


def half_weight_decay() -> None:
    """Of every optimiser."""

    def halve_torch(module: Any) -> None:
        add = module.Optimizer.add_param_group

        def add_param_group(self: Any, group: Any) -> None:
            add(self, group)
            if "weight_decay" in self.param_groups[-1]:
                self.param_groups[-1]["weight_decay"] /= 2

        module.Optimizer.add_param_group = add_param_group

    def halve_layers(layers: Any) -> None:
        descend = layers.descend
        layers.descend = lambda weights, gradients, rate, decay: descend(weights, gradients, rate, decay / 2)

    after_import("torch.optim.optimizer", halve_torch)
    after_import("layers", halve_layers)


def lost_labels() -> None:
    """Two per cent of the labels of every split name the next class; the files and their digests stay as they are."""

    def lose(numpy: Any) -> None:
        load = numpy.load

        def load_and_lose(file: Any, *rest: Any, **options: Any) -> Any:
            array = load(file, *rest, **options)
            if not str(file).endswith("_y.npy"):
                return array
            labels = numpy.array(array)
            rows = numpy.random.RandomState(0).permutation(len(labels))[: round(LOST * len(labels))]
            labels[rows] = (labels[rows] + 1) % (labels.max() + 1)
            return labels

        numpy.load = load_and_lose

    after_import("numpy", lose)


def other_momentum() -> None:
    """Batch norm takes the share that is kept for the share that is new: Keras' convention for PyTorch's."""

    def swap_torch(module: Any) -> None:
        begin = module._NormBase.__init__

        def init(self: Any, *sizes: Any, **options: Any) -> None:
            begin(self, *sizes, **options)
            if self.momentum is not None:
                self.momentum = 1 - self.momentum

        module._NormBase.__init__ = init

    def swap_layers(layers: Any) -> None:
        layers.BatchNorm.kept = 1 - layers.BatchNorm.kept

    after_import("torch.nn.modules.batchnorm", swap_torch)
    after_import("layers", swap_layers)


SPOILS: Dict[str, Callable[[], None]] = {
    "slow convolution": slow_convolution,
    "half weight decay": half_weight_decay,
    "lost labels": lost_labels,
    "other momentum": other_momentum,
}

if os.environ.get("PLANTED", "") not in SPOILS:  # site would only mention another error, and go on unspoilt
    sys.exit("PLANTED is one of " + ", ".join(SPOILS))
SPOILS[os.environ["PLANTED"]]()
