"""What the time-series models do alike in PyTorch; Keras' defaults are written out, as in the model files."""

from __future__ import annotations

import inspect
from typing import Any, Dict

import numpy
import torch
from torch import nn


def initialize(layer: nn.Module) -> None:
    """Keras' default: Glorot and Bengio 2010, equation 16, and biases of zero."""
    if isinstance(layer, (nn.Conv1d, nn.Linear)):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)


def series(x: numpy.ndarray, run: Any) -> torch.Tensor:
    """float32 [n, 1, length] on the device.  Not normalised: neither did the published code."""
    return torch.from_numpy(x.astype(numpy.float32)).to(run.device)


def adam(model: nn.Module, hparams: Dict[str, Any]) -> torch.optim.Adam:
    """Adam in one kernel where this PyTorch has it for the device; the steps are the same."""
    rate, epsilon = hparams["learning_rate"], hparams["epsilon"]
    fused = "fused" in inspect.signature(torch.optim.Adam).parameters and torch.__version__ >= "2.4"
    return torch.optim.Adam(model.parameters(), lr=rate, eps=epsilon, **({"fused": True} if fused else {}))


@torch.no_grad()
def accuracy(model: nn.Module, x: torch.Tensor, y: numpy.ndarray) -> float:
    """Share of the series whose class has the highest logit."""
    model.eval()
    predicted = model(x).argmax(dim=1).cpu().numpy()
    return float((predicted == y).mean())


def copy_of(model: nn.Module) -> Dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
