"""Dropout as a Bayesian approximation in a plain PyTorch loop: the networks of the splits one after the other."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from benchmarks.public.task import Task, read_task
from benchmarks.public.theirs.uci_splits import splits


def main() -> None:
    task = read_task()
    torch.set_num_threads(task.threads)
    torch.manual_seed(task.seed)
    trainings = [Training(*split, task) for split in splits(task)]
    fused = ", fused Adam" if task.variant == "fused" else ""
    for _ in task.turns(f"plain loop{fused}, PyTorch {torch.__version__}").epochs():
        for training in trainings:
            for _ in range(task.hparams["epochs_multiplier"]):
                training.epoch()


class Training:
    def __init__(self, x: object, y: object, dropout: float, decay: float, task: Task) -> None:
        self.x, self.y = torch.as_tensor(x), torch.as_tensor(y)
        self.decay, self.batch_size = decay, task.hparams["batch_size"]
        self.first = nn.Linear(self.x.shape[1], task.hparams["hidden"])
        self.last = nn.Linear(task.hparams["hidden"], 1)
        self.model = nn.Sequential(nn.Dropout(dropout), self.first, nn.ReLU(), nn.Dropout(dropout), self.last)
        for layer in (self.first, self.last):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        rate, epsilon = task.hparams["learning_rate"], task.hparams["epsilon"]
        fused = task.variant == "fused"
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=rate, eps=epsilon, fused=fused)

    def epoch(self) -> None:
        for rows in torch.randperm(len(self.y)).split(self.batch_size):
            penalty = self.first.weight.square().sum() + self.last.weight.square().sum()
            loss = functional.mse_loss(self.model(self.x[rows])[:, 0], self.y[rows]) + self.decay * penalty
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()


if __name__ == "__main__":
    main()
