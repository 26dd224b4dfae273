"""fashion-cnn in a plain PyTorch loop, and torchvision's ResNet-50, from tensors in memory.

ResNet-50 gets its pixels enlarged and normalised beforehand.
"""

from __future__ import annotations

import sys
from types import ModuleType

import torch
from torch import nn
from torch.nn import functional

from benchmarks.public.task import Array, Task, read_task

Part = tuple[torch.Tensor, torch.Tensor]


def main() -> None:
    task = read_task()
    torch.set_num_threads(task.threads)
    torch.manual_seed(task.seed)
    {"fashion-cnn": fashion, "resnet50": resnet}[task.model](task)


def fashion(task: Task) -> None:
    hparams = task.hparams
    filters, hidden = hparams["filters"], hparams["hidden"]
    model = nn.Sequential(
        nn.Conv2d(1, filters, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(filters, filters, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(hparams["conv_dropout"]),
        nn.Flatten(),
        nn.Linear(filters * 5 * 5, hidden),
        nn.ReLU(),
        nn.Dropout(hparams["hidden_dropout"]),
        nn.Linear(hidden, task.classes),
    )
    x, y = tensors(*task.arrays("train"))
    x = x / 255
    held_out = round(len(x) * hparams["val_share"])
    optimizer = torch.optim.Adam(
        model.parameters(), lr=hparams["learning_rate"], eps=hparams["epsilon"], fused=task.variant == "fused" or None
    )
    name = f"plain loop, PyTorch {torch.__version__}{', fused Adam' if task.variant == 'fused' else ''}"
    loop(task, name, model, optimizer, (x[held_out:], y[held_out:]), (x[:held_out], y[:held_out]), 1000)


def resnet(task: Task) -> None:
    # PyPI's torchvision is made for CUDA and cannot load its operators here, whose shapes it would register next.
    sys.modules["torchvision._meta_registrations"] = ModuleType("torchvision._meta_registrations")
    import torchvision

    hparams = task.hparams
    model = torchvision.models.resnet50(num_classes=task.classes, zero_init_residual=True)
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=hparams["learning_rate"],
        momentum=hparams["momentum"],
        weight_decay=hparams["weight_decay"],
    )
    train, test = ((enlarged(x, task), y) for x, y in (tensors(*task.arrays(split)) for split in ("train", "test")))
    name = f"torchvision {torchvision.__version__}, plain loop, PyTorch {torch.__version__}"
    loop(task, name, model, optimizer, train, test, hparams["eval_batch_size"])


def loop(
    task: Task, name: str, model: nn.Module, optimizer: torch.optim.Optimizer, train: Part, val: Part, eval_batch: int
) -> None:
    for _ in task.turns(name).epochs():
        model.train()
        for rows in torch.randperm(len(train[1])).split(task.hparams["batch_size"]):
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(train[0][rows]), train[1][rows])
            loss.backward()
            optimizer.step()
        loss.item()
        model.eval()
        with torch.no_grad():
            right = sum(
                int((model(x).argmax(dim=1) == y).sum())
                for x, y in zip(val[0].split(eval_batch), val[1].split(eval_batch), strict=True)
            )
        del right


def tensors(x: Array, y: Array) -> Part:
    return torch.from_numpy(x).float(), torch.from_numpy(y.astype("int64"))


def enlarged(x: torch.Tensor, task: Task) -> torch.Tensor:
    """[n, 1, 8, 8] -> [n, 3, 32, 32]."""
    large = x.repeat_interleave(4, 2).repeat_interleave(4, 3)
    mean, std = (torch.tensor(task.hparams[key])[:, None, None] for key in ("pixel_mean", "pixel_std"))
    return ((large - mean) / std).contiguous()


if __name__ == "__main__":
    main()
