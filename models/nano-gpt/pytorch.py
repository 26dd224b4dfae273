"""nanoGPT in PyTorch: a small transformer that continues text by characters.

From karpathy/nanoGPT, model.py and train.py, in the configuration that its README gives for a CPU;
the names of weights and settings are its own.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, Dict, Iterator

import numpy
import recipe
import torch
from torch import nn
from torch.nn import functional


class GPT(nn.Module):
    """characters [n, t] -> logits [n, t, classes]; model.py without dropout and biases."""

    def __init__(self, weights: Dict[str, numpy.ndarray], hparams: Dict[str, Any]) -> None:
        super().__init__()
        self.layers, self.heads = hparams["layers"], hparams["heads"]
        self.weights = nn.ParameterDict({name: nn.Parameter(torch.from_numpy(each)) for name, each in weights.items()})

    def forward(self, characters: torch.Tensor) -> torch.Tensor:
        w = self.weights
        x = w["wte"][characters] + w["wpe"][: characters.shape[1]]
        for layer in range(self.layers):
            x = x + self.attention(norm(x, w["h%d_ln_1" % layer]), layer)
            x = x + self.mlp(norm(x, w["h%d_ln_2" % layer]), layer)
        return norm(x, w["ln_f"]) @ w["wte"].t()

    def attention(self, x: torch.Tensor, layer: int) -> torch.Tensor:
        n, t, width = x.shape
        query, key, value = (
            part.view(n, t, self.heads, width // self.heads).transpose(1, 2)  # [n, heads, t, size]
            for part in (x @ self.weights["h%d_attn" % layer]).split(width, dim=2)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        mixed = mixed.transpose(1, 2).reshape(n, t, width)
        return mixed @ self.weights["h%d_attn_proj" % layer]

    def mlp(self, x: torch.Tensor, layer: int) -> torch.Tensor:
        return functional.gelu(x @ self.weights["h%d_fc" % layer]) @ self.weights["h%d_fc_proj" % layer]


def norm(x: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
    return functional.layer_norm(x, gain.shape, gain, None, 1e-5)


def train(run: Any) -> None:
    hparams = run.hparams
    model = GPT(recipe.first_weights(run.classes, hparams, run.seed), hparams).to(run.device)
    run.weights("initial", model)
    optimizer = adamw(model, hparams)
    draws = numpy.random.RandomState([run.seed, 1])
    batches = recipe.windows(recipe.text_of(run, "train"), hparams, draws)
    run.keep(model=model, optimizer=optimizer, draws=draws)
    per_epoch = hparams["steps_per_epoch"]

    for epoch in run.epochs():
        model.train()
        coming = run.steps(noted(run, islice(batches, per_epoch - run.steps_done)))
        for step, (x, y) in enumerate(coming, start=epoch * per_epoch + run.steps_done):
            for group in optimizer.param_groups:
                group["lr"] = recipe.learning_rate(step, hparams)
            loss = mean_loss(model, x, y, run)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), hparams["clip_norm"])
            optimizer.step()
            run.loss(loss.detach())
        run.metric("val_loss", estimate(model, run))
    run.weights("final", model)


def noted(run: Any, batches: Iterator[recipe.Window]) -> Iterator[recipe.Window]:
    for batch in batches:
        run.saw_batch(*batch)
        yield batch


def mean_loss(model: GPT, x: numpy.ndarray, y: numpy.ndarray, run: Any) -> torch.Tensor:
    logits = model(torch.from_numpy(x).to(run.device))
    return functional.cross_entropy(logits.flatten(0, 1), torch.from_numpy(y).to(run.device).flatten())


@torch.no_grad()
def estimate(model: GPT, run: Any) -> float:
    """The mean loss of windows from anywhere in the validation text, the same each time; ``estimate_loss``."""
    model.eval()
    batches = recipe.windows(recipe.text_of(run, "val"), run.hparams, numpy.random.RandomState([run.seed, 2]))
    losses = [float(mean_loss(model, x, y, run)) for x, y in islice(batches, run.hparams["eval_batches"])]
    return sum(losses) / len(losses)


def adamw(model: GPT, hparams: Dict[str, Any]) -> torch.optim.AdamW:
    """Matrices decay, gains do not; ``configure_optimizers``.  In one kernel where this PyTorch has it for a CPU."""
    matrices = [each for each in model.parameters() if each.dim() >= 2]
    gains = [each for each in model.parameters() if each.dim() < 2]
    groups = [{"params": matrices, "weight_decay": hparams["weight_decay"]}, {"params": gains, "weight_decay": 0.0}]
    betas = (hparams["beta1"], hparams["beta2"])
    return torch.optim.AdamW(groups, lr=hparams["learning_rate"], betas=betas, fused=torch.__version__ >= "2.4")
