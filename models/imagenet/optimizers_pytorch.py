"""Optimizers by name, with decay that may differ for norms, biases and embeddings; an average of the weights."""

from __future__ import annotations

from typing import Any, Dict, List

import torch
from torch import nn

NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)
FUSED = ("sgd", "adamw")  # what has an update in one pass, on a CPU since PyTorch 2.4
EMBEDDINGS = ("class_token", "position_embedding", "relative_position_bias_table")


def make_optimizer(model: nn.Module, hparams: Dict[str, Any]) -> torch.optim.Optimizer:
    """With ``fused``, all of an update is one pass over the weights.

    Raises ValueError for a name that is none of "sgd", "adamw", "rmsprop", "lars".
    """
    groups, rate = decay_groups(model, hparams), float(hparams["learning_rate"])
    name = hparams.get("optimizer", "sgd")
    momentum = float(hparams.get("momentum", 0.0))
    fused = {"fused": True} if hparams.get("fused") else {}
    if name == "sgd":
        nesterov = bool(hparams.get("nesterov", False))
        return torch.optim.SGD(groups, lr=rate, momentum=momentum, nesterov=nesterov, **fused)
    if name == "adamw":
        first, second = hparams.get("betas", (0.9, 0.999))
        epsilon = float(hparams.get("epsilon", 1e-8))
        return torch.optim.AdamW(groups, lr=rate, betas=(first, second), eps=epsilon, **fused)
    if name == "rmsprop":
        alpha, epsilon = float(hparams.get("rmsprop_alpha", 0.99)), float(hparams.get("epsilon", 1e-8))
        return torch.optim.RMSprop(groups, lr=rate, alpha=alpha, eps=epsilon, momentum=momentum)
    if name == "lars":
        return LARS(groups, rate, momentum, float(hparams["trust_coefficient"]), float(hparams["epsilon"]))
    raise ValueError('optimizer is "sgd", "adamw", "rmsprop" or "lars", not %r' % (name,))


class LARS(torch.optim.Optimizer):
    """You et al. 2017, algorithm 1: each array of weights moves by a share of its own norm.

    As MLPerf's reference does it: what has no decay (its norms and biases) has no such rate either, and the
    velocity holds steps, rates included.
    """

    def __init__(self, groups: Any, rate: float, momentum: float, trust_coefficient: float, epsilon: float) -> None:
        defaults = {"lr": rate, "momentum": momentum, "trust_coefficient": trust_coefficient, "epsilon": epsilon}
        super().__init__(groups, defaults)

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for weight in group["params"]:
                state = self.state[weight]
                if not state:
                    state["velocity"] = torch.zeros_like(weight)
                rate, gradient = group["lr"], weight.grad
                if group["weight_decay"]:
                    rate = rate * trust_ratio(weight.norm(), gradient.norm(), group)
                    gradient = gradient.add(weight, alpha=group["weight_decay"])
                weight.sub_(state["velocity"].mul_(group["momentum"]).add_(gradient * rate))


def trust_ratio(weight_norm: torch.Tensor, gradient_norm: torch.Tensor, group: Dict[str, Any]) -> torch.Tensor:
    """One where a norm is zero."""
    whole = gradient_norm + (weight_norm * group["weight_decay"] + group["epsilon"])
    known = (weight_norm > 0) & (gradient_norm > 0)
    return torch.where(known, group["trust_coefficient"] * weight_norm / whole, torch.ones_like(whole))


def decay_groups(model: nn.Module, hparams: Dict[str, Any]) -> List[Dict[str, Any]]:
    """Parameters by what their decay is, in the model's order within each group.

    ``bias_weight_decay`` holds for every bias, ``embedding_weight_decay`` for what EMBEDDINGS names,
    ``norm_weight_decay`` for what else a normalisation has, ``weight_decay`` for the rest and
    wherever one of the others is not given.
    """
    every = float(hparams["weight_decay"])
    groups: Dict[float, List[nn.Parameter]] = {}
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            kind = "norm" if isinstance(module, NORMS) else ""
            if name in EMBEDDINGS:
                kind = "embedding"
            if name == "bias" and "bias_weight_decay" in hparams:
                kind = "bias"
            decay = float(hparams.get(kind + "_weight_decay", every)) if kind else every
            groups.setdefault(decay, []).append(parameter)
    return [{"params": parameters, "weight_decay": decay} for decay, parameters in groups.items()]


class Average:
    """An exponential moving average of all weights and buffers; integers are copied.

    Its first update copies, and so does the one after each that was told to ``follow``
    (torchvision's references: during warm-up).
    """

    def __init__(self, model: nn.Module, decay: float, every: int) -> None:
        self.decay, self.every, self.copies = decay, every, True
        self.weights = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int, follow: bool) -> None:
        """To be called after each step of an epoch, ``step`` from 0; every ``every``-th counts."""
        if step % self.every:
            return
        for name, now in model.state_dict().items():
            mean = self.weights[name]
            if self.copies or not mean.is_floating_point():
                mean.copy_(now)
            else:
                mean.lerp_(now, 1.0 - self.decay)
        self.copies = follow

    def state_dict(self) -> Dict[str, Any]:
        return {"copies": self.copies, "weights": self.weights}

    def load_state_dict(self, state: Dict[str, Any]) -> None:
        self.copies = bool(state["copies"])
        for name, tensor in state["weights"].items():
            self.weights[name].copy_(tensor)
