"""What the character models do alike in PyTorch: their examples, their batches, their losses."""

from __future__ import annotations

from typing import Any, Iterator, Tuple

import torch
from torch import nn
from torch.nn import functional


def batches(run: Any, g: torch.Generator, samples: int) -> Iterator[torch.Tensor]:
    """Row numbers, int64 [batch_size], drawn with replacement: an epoch is a number of steps here."""
    for _ in range(run.hparams["steps_per_epoch"]):
        rows = torch.randint(0, samples, (run.hparams["batch_size"],), generator=g)
        run.saw_batch(rows.numpy())
        yield rows


def examples(run: Any, split: str) -> Tuple[torch.Tensor, torch.Tensor]:
    """The last letters int64 [n, context] and the one after them int64 [n], on the device."""
    x, y = run.arrays(split)
    letters = torch.from_numpy(x[:, -run.hparams["context"] :].astype("int64"))
    return letters.to(run.device), torch.from_numpy(y.astype("int64")).to(run.device)


@torch.no_grad()
def mean_loss(model: nn.Module, letters: torch.Tensor, following: torch.Tensor) -> float:
    """Of a whole split at once, in nats, with the running statistics; the notebooks' split_loss."""
    model.eval()
    return float(functional.cross_entropy(model(letters), following))
