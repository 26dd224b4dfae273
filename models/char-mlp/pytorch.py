"""makemore, part 3, in PyTorch: three letters, one hidden layer, batch normalisation by hand.

From karpathy/nn-zero-to-hero, lectures/makemore/makemore_part3_bn.ipynb; names and cells are the
notebook's, so that its printed losses come out again.
"""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Optional

import torch
from letters_pytorch import batches, descend, examples, mean_loss
from torch import nn
from torch.nn import functional


class Tensors(NamedTuple):
    """All that ``logits`` takes, looked up once: nn.Module finds each by its name, which takes time in every step."""

    C: torch.Tensor
    W1: torch.Tensor
    W2: torch.Tensor
    b2: torch.Tensor
    bngain: torch.Tensor
    bnbias: torch.Tensor
    bnmean_running: torch.Tensor
    bnstd_running: torch.Tensor


class MLP(nn.Module):
    """letters [n, context] -> logits [n, classes]; cell 6."""

    def __init__(self, classes: int, hparams: Dict[str, Any], g: torch.Generator) -> None:
        super().__init__()
        n_embd, n_hidden = hparams["embedding"], hparams["hidden"]
        fan_in = hparams["context"] * n_embd
        # The order of the draws belongs to the recipe.  5/3 is the gain of tanh.
        self.C = nn.Parameter(torch.randn((classes, n_embd), generator=g))
        self.W1 = nn.Parameter(torch.randn((fan_in, n_hidden), generator=g) * (5 / 3) / fan_in**0.5)
        self.W2 = nn.Parameter(torch.randn((n_hidden, classes), generator=g) * hparams["last_scale"])
        self.b2 = nn.Parameter(torch.randn(classes, generator=g) * 0)
        self.bngain = nn.Parameter(torch.ones((1, n_hidden)))
        self.bnbias = nn.Parameter(torch.zeros((1, n_hidden)))
        self.register_buffer("bnmean_running", torch.zeros((1, n_hidden)))
        self.register_buffer("bnstd_running", torch.ones((1, n_hidden)))
        self.new = hparams["running_momentum"]

    def forward(self, letters: torch.Tensor) -> torch.Tensor:
        return logits(letters, self.tensors(), new=self.new if self.training else None)

    def tensors(self) -> Tensors:
        return Tensors(*(getattr(self, name) for name in Tensors._fields))


def logits(letters: torch.Tensor, tensors: Tensors, *, new: Optional[float]) -> torch.Tensor:
    """Cell 7.  In training ``new`` is the batch's share in the running statistics; None: these take its place."""
    C, W1, W2, b2, bngain, bnbias, mean, std = tensors
    hpreact = C[letters].view(len(letters), -1) @ W1
    if new is not None:
        running = mean, std
        mean, std = hpreact.mean(0, keepdim=True), hpreact.std(0, keepdim=True)  # of n - 1, and no epsilon
        with torch.no_grad():
            for kept, batch in zip(running, (mean, std)):
                kept.mul_(1 - new).add_(new * batch)
    hpreact = bngain * (hpreact - mean) / std + bnbias
    return torch.tanh(hpreact) @ W2 + b2


def train(run: Any) -> None:
    hparams = run.hparams
    g = torch.Generator().manual_seed(hparams["generator_seed"] + run.seed)
    model = MLP(run.classes, hparams, g).to(run.device)
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
            loss = functional.cross_entropy(logits(x, tensors, new=model.new), y)
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
