"""MLP, FCN and ResNet for time series in a plain PyTorch loop, as tight as its own parts allow.

The data lie in memory as tensors, batches are rows of a permutation, and Adam is the fused one.
"""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn import functional

from benchmarks.public.task import Task, read_task


class Residual(nn.Module):
    def __init__(self, channels: int, filters: int, task: Task) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *conv(channels, filters, 8, task),
            nn.ReLU(),
            *conv(filters, filters, 5, task),
            nn.ReLU(),
            *conv(filters, filters, 3, task),
        )
        self.shortcut = norm(filters, task) if channels == filters else nn.Sequential(*conv(channels, filters, 1, task))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.body(x) + self.shortcut(x))


def main() -> None:
    task = read_task()
    torch.set_num_threads(task.threads)
    torch.manual_seed(task.seed)
    hparams = task.hparams
    series, labels = (torch.from_numpy(array) for array in task.arrays("train"))
    series = series.float()
    batch_size, samples = hparams["batch_size"], len(labels)
    model = {"ts-mlp": mlp, "ts-fcn": fcn, "ts-resnet": resnet}[task.model](series.shape[2], task)
    optimizer = optimizer_of(model, task)
    rate, best, best_plateau, waited = hparams["learning_rate"], float("inf"), float("inf"), 0
    best_weights = {}

    for _ in task.turns(f"plain loop, PyTorch {torch.__version__}").epochs():
        total = 0.0
        for rows in torch.randperm(samples).split(batch_size):
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(series[rows]), labels[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        if total / samples < best:
            best, best_weights = total / samples, copy.deepcopy(model.state_dict())
        if total / samples < best_plateau - hparams["plateau_min_delta"]:
            best_plateau, waited = total / samples, 0
        elif (waited := waited + 1) >= hparams["plateau_patience"]:
            rate, waited = max(rate * hparams["plateau_factor"], hparams["min_learning_rate"]), 0
            for group in optimizer.param_groups:
                group["lr"] = rate
    del best_weights


def optimizer_of(model: nn.Module, task: Task) -> torch.optim.Optimizer:
    rate, epsilon = task.hparams["learning_rate"], task.hparams["epsilon"]
    if task.model == "ts-mlp":
        return torch.optim.Adadelta(model.parameters(), lr=rate, rho=task.hparams["rho"], eps=epsilon)
    return torch.optim.Adam(model.parameters(), lr=rate, eps=epsilon, fused=True)


def mlp(length: int, task: Task) -> nn.Module:
    *hidden, last = task.hparams["dropout"]
    layers, width = [nn.Flatten()], length
    for rate in hidden:
        layers += [nn.Dropout(rate), nn.Linear(width, 500), nn.ReLU()]
        width = 500
    return nn.Sequential(*layers, nn.Dropout(last), nn.Linear(width, task.classes))


def fcn(length: int, task: Task) -> nn.Module:
    del length  # any
    return nn.Sequential(
        *conv(1, 128, 8, task),
        nn.ReLU(),
        *conv(128, 256, 5, task),
        nn.ReLU(),
        *conv(256, 128, 3, task),
        nn.ReLU(),
        nn.AdaptiveAvgPool1d(1),
        nn.Flatten(),
        nn.Linear(128, task.classes),
    )


def resnet(length: int, task: Task) -> nn.Module:
    del length  # any
    blocks = [Residual(*widths, task) for widths in ((1, 64), (64, 128), (128, 128))]
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(128, task.classes))


def conv(channels: int, filters: int, kernel: int, task: Task) -> list[nn.Module]:
    return [nn.Conv1d(channels, filters, kernel, padding="same"), norm(filters, task)]


def norm(filters: int, task: Task) -> nn.Module:
    return nn.BatchNorm1d(filters, eps=task.hparams["bn_epsilon"], momentum=1 - task.hparams["bn_momentum"])


if __name__ == "__main__":
    main()
