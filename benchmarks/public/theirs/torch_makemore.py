"""makemore's parts 3 and 5 in a plain PyTorch loop, as the notebooks write it: bare tensors, then small layers.

The losses are read once an epoch and not in every step, which is faster.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional

from benchmarks.public.task import Task, read_task

Forward = Callable[[torch.Tensor], torch.Tensor]


class Layer:
    """Pairs of neighbours, a matrix, batch normalisation over all axes but the last, tanh: part 5."""

    def __init__(self, fan_in: int, width: int, task: Task) -> None:
        self.weight = torch.randn(2 * fan_in, width) / (2 * fan_in) ** 0.5
        self.gamma, self.beta = torch.ones(width), torch.zeros(width)
        self.mean, self.var = torch.zeros(width), torch.ones(width)
        self.eps, self.momentum = task.hparams["bn_epsilon"], task.hparams["bn_momentum"]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        n, positions, width = x.shape
        x = x.view(n, positions // 2, 2 * width)
        if positions == 2:
            x = x.squeeze(1)
        x = x @ self.weight
        axes = tuple(range(x.ndim - 1))
        mean, var = x.mean(axes, keepdim=True), x.var(axes, keepdim=True)
        out = self.gamma * ((x - mean) / torch.sqrt(var + self.eps)) + self.beta
        with torch.no_grad():
            self.mean = (1 - self.momentum) * self.mean + self.momentum * mean
            self.var = (1 - self.momentum) * self.var + self.momentum * var
        return torch.tanh(out)


def main() -> None:
    task = read_task()
    torch.set_num_threads(task.threads)
    generator = torch.Generator().manual_seed(task.hparams["generator_seed"])
    letters, following = (torch.from_numpy(array.astype("int64")) for array in task.arrays("train"))
    letters = letters[:, -task.hparams["context"] :].contiguous()
    forward, parameters = {"char-mlp": mlp, "char-wavenet": wavenet}[task.model](task)
    for parameter in parameters:
        parameter.requires_grad = True

    for _ in task.turns(f"plain loop, PyTorch {torch.__version__}").epochs():
        for _ in range(task.hparams["steps_per_epoch"]):
            rows = torch.randint(0, len(following), (task.hparams["batch_size"],), generator=generator)
            loss = functional.cross_entropy(forward(letters[rows]), following[rows])
            for parameter in parameters:
                parameter.grad = None
            loss.backward()
            for parameter in parameters:
                parameter.data += -task.hparams["learning_rate"] * parameter.grad
        loss.item()


def mlp(task: Task) -> tuple[Forward, list[torch.Tensor]]:
    width, hidden, new = task.hparams["embedding"], task.hparams["hidden"], task.hparams["running_momentum"]
    fan_in = task.hparams["context"] * width
    c, w1 = torch.randn(task.classes, width), torch.randn(fan_in, hidden) * (5 / 3) / fan_in**0.5
    w2, b2 = torch.randn(hidden, task.classes) * 0.01, torch.zeros(task.classes)
    gain, bias = torch.ones(1, hidden), torch.zeros(1, hidden)
    running = [torch.zeros(1, hidden), torch.ones(1, hidden)]

    def forward(letters: torch.Tensor) -> torch.Tensor:
        embedded = c[letters]
        before = embedded.view(embedded.shape[0], -1) @ w1
        mean, std = before.mean(0, keepdim=True), before.std(0, keepdim=True)
        with torch.no_grad():
            running[0] = (1 - new) * running[0] + new * mean
            running[1] = (1 - new) * running[1] + new * std
        return torch.tanh(gain * (before - mean) / std + bias) @ w2 + b2

    return forward, [c, w1, w2, b2, gain, bias]


def wavenet(task: Task) -> tuple[Forward, list[torch.Tensor]]:
    width, hidden = task.hparams["embedding"], task.hparams["hidden"]
    table = torch.randn(task.classes, width)
    layers = [Layer(fan_in, hidden, task) for fan_in in (width, hidden, hidden)]
    last, bias = torch.randn(hidden, task.classes) / hidden**0.5 * 0.1, torch.zeros(task.classes)

    def forward(letters: torch.Tensor) -> torch.Tensor:
        x = table[letters]
        for layer in layers:
            x = layer(x)
        return x @ last + bias

    inner = [each for layer in layers for each in (layer.weight, layer.gamma, layer.beta)]
    return forward, [table, *inner, last, bias]


if __name__ == "__main__":
    main()
