"""CNN-rand in a plain PyTorch loop, as public PyTorch versions of it are written, with its Adadelta."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn import functional

from benchmarks.public.task import Task, read_task


class Sentences(nn.Module):
    """Filters as wide as a word vector over an image of one channel, as public versions have it."""

    def __init__(self, words: int, task: Task) -> None:
        super().__init__()
        dimensions, filters, widths = (task.hparams[key] for key in ("dimensions", "filters", "widths"))
        self.embedding = nn.Embedding(words, dimensions, padding_idx=0)
        one_channel = task.variant == "image"
        self.convs = nn.ModuleList(
            nn.Conv2d(1, filters, (width, dimensions)) if one_channel else nn.Conv1d(dimensions, filters, width)
            for width in widths
        )
        self.dropout = nn.Dropout(task.hparams["dropout"])
        self.fc = nn.Linear(filters * len(widths), task.classes)
        self.one_channel = one_channel

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        x = self.embedding(numbers)
        if self.one_channel:
            maps = [functional.relu(conv(x.unsqueeze(1))).squeeze(3) for conv in self.convs]
        else:
            maps = [functional.relu(conv(x.transpose(1, 2))) for conv in self.convs]
        maxima = [functional.max_pool1d(each, each.shape[2]).squeeze(2) for each in maps]
        return self.fc(self.dropout(torch.cat(maxima, 1)))


def main() -> None:
    task = read_task()
    torch.set_num_threads(task.threads)
    torch.manual_seed(task.seed)
    hparams = task.hparams
    x, y = (torch.from_numpy(array.astype("int64")) for array in task.arrays("train"))
    batch_size = hparams["batch_size"]
    stop = round(len(x) // batch_size * hparams["train_share"]) * batch_size
    model = Sentences(1 + max(int(task.arrays(split)[0].max()) for split in ("train", "test")), task)
    optimizer = torch.optim.Adadelta(
        model.parameters(), lr=hparams["learning_rate"], rho=hparams["rho"], eps=hparams["epsilon"]
    )
    best, best_weights = -1, {}

    how = {"image": "filters over an image", "series": "filters over a series"}[task.variant]
    for _ in task.turns(f"plain loop, {how}, PyTorch {torch.__version__}").epochs():
        model.train()
        for rows in torch.randperm(stop).split(batch_size):
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                model.fc.weight.mul_(hparams["row_norm"] / (1e-7 + model.fc.weight.norm(dim=1, keepdim=True)))
        model.eval()
        with torch.no_grad():
            right = sum(
                int((model(some).argmax(dim=1) == theirs).sum())
                for some, theirs in zip(x[stop:].split(250), y[stop:].split(250), strict=True)
            )
        if right > best:
            best, best_weights = right, copy.deepcopy(model.state_dict())
    del best_weights


if __name__ == "__main__":
    main()
