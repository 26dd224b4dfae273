"""makemore, part 5, in PyTorch: eight letters, put together in pairs of pairs of pairs, as WaveNet does.

From karpathy/nn-zero-to-hero, lectures/makemore/makemore_part5_cnn1.ipynb; names and cells are the
notebook's, so that its printed losses come out again.
"""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Tuple

import torch
from letters_pytorch import batches, descend, examples, mean_loss
from torch import nn
from torch.nn import functional


class Norm(NamedTuple):
    """Batch normalisation; cell 7."""

    gamma: torch.Tensor
    beta: torch.Tensor
    running_mean: torch.Tensor
    running_var: torch.Tensor
    eps: float
    momentum: float


class Tensors(NamedTuple):
    """All that ``logits`` takes, looked up once: nn.Module finds each by its name, which took a tenth of a step."""

    embedding: torch.Tensor
    layers: List[Tuple[torch.Tensor, Norm]]
    last_weight: torch.Tensor
    last_bias: torch.Tensor


class WaveNet(nn.Module):
    """letters [n, 8] -> logits [n, classes]; cell 9."""

    def __init__(self, classes: int, hparams: Dict[str, Any], g: torch.Generator) -> None:
        super().__init__()
        n_embd, n_hidden = hparams["embedding"], hparams["hidden"]

        def weight(fan_in: int, fan_out: int) -> nn.Parameter:
            return nn.Parameter(torch.randn((fan_in, fan_out), generator=g) / fan_in**0.5)

        # The order of the draws belongs to the recipe.
        self.embedding = nn.Parameter(torch.randn((classes, n_embd), generator=g))
        fan_ins = (2 * n_embd, 2 * n_hidden, 2 * n_hidden)
        self.weights = nn.ParameterList([weight(fan_in, n_hidden) for fan_in in fan_ins])
        self.norms = nn.ModuleList([BatchNorm(n_hidden, hparams) for _ in fan_ins])
        self.last_weight = weight(n_hidden, classes)
        self.last_bias = nn.Parameter(torch.zeros(classes))
        self.last_weight.data *= hparams["last_scale"]

    def forward(self, letters: torch.Tensor) -> torch.Tensor:
        return logits(letters, self.tensors(), training=self.training)

    def tensors(self) -> Tensors:
        layers = list(zip(self.weights, (norm.tensors() for norm in self.norms)))
        return Tensors(self.embedding, layers, self.last_weight, self.last_bias)


class BatchNorm(nn.Module):
    def __init__(self, width: int, hparams: Dict[str, Any]) -> None:
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_var", torch.ones(width))
        self.eps, self.momentum = hparams["bn_epsilon"], hparams["bn_momentum"]

    def tensors(self) -> Norm:
        return Norm(self.gamma, self.beta, self.running_mean, self.running_var, self.eps, self.momentum)


def logits(letters: torch.Tensor, tensors: Tensors, *, training: bool) -> torch.Tensor:
    x = tensors.embedding[letters]
    for weight, norm in tensors.layers:
        x = torch.tanh(normalise(pairs(x) @ weight, norm, training=training))
    return x @ tensors.last_weight + tensors.last_bias


def normalise(x: torch.Tensor, norm: Norm, *, training: bool) -> torch.Tensor:
    """x [n, width] or [n, positions, width], over all axes but the last."""
    mean, var = norm.running_mean, norm.running_var
    if training:
        axes = tuple(range(x.dim() - 1))
        mean, var = x.mean(axes, keepdim=True), x.var(axes, keepdim=True)  # the variance of n - 1
        with torch.no_grad():
            norm.running_mean.mul_(1 - norm.momentum).add_(norm.momentum * mean.view(-1))
            norm.running_var.mul_(1 - norm.momentum).add_(norm.momentum * var.view(-1))
    return norm.gamma * ((x - mean) / torch.sqrt(var + norm.eps)) + norm.beta


def pairs(x: torch.Tensor) -> torch.Tensor:
    """Two neighbours beside each other: [n, positions, width] -> [n, positions / 2, 2 width], or [n, 2 width]."""
    n, positions, width = x.shape
    return x.view(n, positions // 2, 2 * width).squeeze(1)


def train(run: Any) -> None:
    hparams = run.hparams
    g = torch.Generator().manual_seed(hparams["generator_seed"] + run.seed)
    model = WaveNet(run.classes, hparams, g).to(run.device)
    run.weights("initial", model)
    letters, following = examples(run, "train")
    parameters, tensors = list(model.parameters()), model.tensors()
    kept: Dict[str, Any] = {"printed": [], "ahead": None}
    run.keep(model=model, g=g, kept=kept)
    per_epoch = hparams["steps_per_epoch"]

    model.train()
    for epoch in run.epochs():
        coming = run.steps(batches(run, g, letters, following, kept))
        for step, (x, y) in enumerate(coming, start=epoch * per_epoch + run.steps_done):
            loss = functional.cross_entropy(logits(x, tensors, training=True), y)
            for parameter in parameters:
                parameter.grad = None
            loss.backward()
            rate = hparams["learning_rate"] if step < hparams["decay_step"] else hparams["final_learning_rate"]
            descend(parameters, rate)
            if step % per_epoch == 0:
                kept["printed"].append(float(loss))
            run.loss(loss.detach())

    run.metric("train_loss", mean_loss(model, *examples(run, "train")))
    run.metric("val_loss", mean_loss(model, *examples(run, "val")))
    published = hparams["published_step_losses"]
    run.metric("step_loss_deviation", max(abs(ours - theirs) for ours, theirs in zip(kept["printed"], published)))
    run.weights("final", model)
