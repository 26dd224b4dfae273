"""A small GPT in a plain PyTorch loop, with the structure of nanoGPT: its layers, its fused attention, its AdamW."""

from __future__ import annotations

import math

import numpy
import torch
from torch import nn
from torch.nn import functional

from benchmarks.public.task import Array, Task, read_task


class Norm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.layer_norm(x, self.weight.shape, self.weight, None, 1e-5)


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = Norm(width), Norm(width)
        self.attend, self.project = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width, bias=False), nn.GELU(), nn.Linear(4 * width, width, bias=False)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, t, width = x.shape
        query, key, value = (
            each.view(n, t, self.heads, width // self.heads).transpose(1, 2)
            for each in self.attend(self.norm1(x)).split(width, dim=2)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.project(mixed.transpose(1, 2).contiguous().view(n, t, width))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    def __init__(self, task: Task) -> None:
        super().__init__()
        width, block = task.hparams["width"], task.hparams["block_size"]
        self.tokens, self.places = nn.Embedding(task.classes, width), nn.Embedding(block, width)
        blocks = (Block(width, task.hparams["heads"]) for _ in range(task.hparams["layers"]))
        self.body = nn.Sequential(*blocks, Norm(width))
        self.head = nn.Linear(width, task.classes, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, characters: torch.Tensor) -> torch.Tensor:
        places = torch.arange(characters.shape[1])
        return self.head(self.body(self.tokens(characters) + self.places(places)))


def main() -> None:
    task = read_task()
    torch.set_num_threads(task.threads)
    torch.manual_seed(task.seed)
    hparams = task.hparams
    train, val = text(task, "train"), text(task, "val")
    model = GPT(task)
    matrices = [each for each in model.parameters() if each.dim() >= 2]
    gains = [each for each in model.parameters() if each.dim() < 2]
    groups = [{"params": matrices, "weight_decay": hparams["weight_decay"]}, {"params": gains, "weight_decay": 0.0}]
    betas = (hparams["beta1"], hparams["beta2"])
    fused = task.variant == "fused"
    optimizer = torch.optim.AdamW(groups, lr=hparams["learning_rate"], betas=betas, fused=fused or None)
    step = 0

    name = f"plain loop, PyTorch {torch.__version__}{', fused AdamW' if fused else ''}"
    for _ in task.turns(name).epochs():
        model.train()
        for _ in range(hparams["steps_per_epoch"]):
            for group in optimizer.param_groups:
                group["lr"] = rate(step, task)
            loss = mean_loss(model, train, task)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), hparams["clip_norm"])
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
        model.eval()
        with torch.no_grad():
            losses = torch.zeros(hparams["eval_batches"])
            for place in range(hparams["eval_batches"]):
                losses[place] = mean_loss(model, val, task).item()


def text(task: Task, split: str) -> Array:
    return task.arrays(split)[1].astype("int64")


def mean_loss(model: nn.Module, characters: Array, task: Task) -> torch.Tensor:
    size, block = task.hparams["batch_size"], task.hparams["block_size"]
    places = torch.randint(len(characters) - block, (size,)).tolist()
    x = torch.from_numpy(numpy.stack([characters[place : place + block] for place in places]))
    y = torch.from_numpy(numpy.stack([characters[place + 1 : place + 1 + block] for place in places]))
    return functional.cross_entropy(model(x).view(-1, task.classes), y.view(-1))


def rate(step: int, task: Task) -> float:
    highest, lowest, warmup = (task.hparams[key] for key in ("learning_rate", "min_learning_rate", "warmup_steps"))
    if step < warmup:
        return float(highest * (step + 1) / (warmup + 1))
    return float(lowest + 0.5 * (1 + math.cos(math.pi * min(1.0, step / 2000))) * (highest - lowest))


if __name__ == "__main__":
    main()
