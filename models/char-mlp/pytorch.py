"""makemore, part 3, in PyTorch: three letters, one hidden layer, batch normalisation by hand.

From karpathy/nn-zero-to-hero, lectures/makemore/makemore_part3_bn.ipynb; names and cells are the
notebook's, so that its printed losses come out again.
"""

from __future__ import annotations

from typing import Any, Dict

import torch
from letters_pytorch import batches, descend, examples, mean_loss
from torch import nn
from torch.nn import functional


class MLP(nn.Module):
    """letters [n, context] -> logits [n, classes]; cells 6 and 7."""

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
        hpreact = self.C[letters].view(len(letters), -1) @ self.W1
        if self.training:
            mean, std = hpreact.mean(0, keepdim=True), hpreact.std(0, keepdim=True)  # of n - 1, and no epsilon
            self.follow(mean, std)
        else:
            mean, std = self.bnmean_running, self.bnstd_running
        hpreact = self.bngain * (hpreact - mean) / std + self.bnbias
        return torch.tanh(hpreact) @ self.W2 + self.b2

    def follow(self, mean: torch.Tensor, std: torch.Tensor) -> None:
        self.bnmean_running.mul_(1 - self.new).add_(self.new * mean.detach())
        self.bnstd_running.mul_(1 - self.new).add_(self.new * std.detach())


def train(run: Any) -> None:
    hparams = run.hparams
    g = torch.Generator().manual_seed(hparams["generator_seed"] + run.seed)
    model = MLP(run.classes, hparams, g).to(run.device)
    run.weights("initial", model)
    letters, following = examples(run, "train")
    parameters = list(model.parameters())
    kept: Dict[str, Any] = {"printed": [], "ahead": None}
    run.keep(model=model, g=g, kept=kept)
    per_epoch = hparams["steps_per_epoch"]

    model.train()
    for epoch in run.epochs():
        coming = run.steps(batches(run, g, letters, following, kept))
        for step, (x, y) in enumerate(coming, start=epoch * per_epoch + run.steps_done):
            loss = functional.cross_entropy(model(x), y)
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
