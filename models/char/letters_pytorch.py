"""What the character models do alike in PyTorch: their examples, their batches, their losses."""

from __future__ import annotations

from itertools import islice
from typing import Any, Dict, Iterator, List, Tuple

import torch
from torch import nn
from torch.nn import functional

AHEAD = 100  # batches


def batches(
    run: Any, g: torch.Generator, letters: torch.Tensor, following: torch.Tensor, kept: Dict[str, Any]
) -> Iterator[Tuple[torch.Tensor, torch.Tensor]]:
    """Examples drawn with replacement, [batch_size, context] and [batch_size]: an epoch is a number of steps here.

    A hundred batches are drawn and looked up at once: the same numbers as one by one, at a fraction of the calls.
    ``kept["ahead"]`` is the generator's state before the hundred at hand, which a resumed run draws once more.
    """
    steps, size, done = run.hparams["steps_per_epoch"], run.hparams["batch_size"], run.steps_done
    if done % AHEAD:
        g.set_state(kept["ahead"])
    for start in range(done - done % AHEAD, steps, AHEAD):
        kept["ahead"] = g.get_state()
        rows = torch.randint(0, len(following), (min(AHEAD, steps - start), size), generator=g)
        hundred = zip(rows.numpy(), letters[rows].unbind(), following[rows].unbind())
        for drawn, x, y in islice(hundred, max(0, done - start), None):
            run.saw_batch(drawn)
            yield x, y


def examples(run: Any, split: str) -> Tuple[torch.Tensor, torch.Tensor]:
    """The last letters int64 [n, context] and the one after them int64 [n], on the device."""
    x, y = run.arrays(split)
    letters = torch.from_numpy(x[:, -run.hparams["context"] :].astype("int64"))
    return letters.to(run.device), torch.from_numpy(y.astype("int64")).to(run.device)


@torch.no_grad()
def descend(parameters: List[nn.Parameter], rate: float) -> None:
    """Every parameter less its gradient times the rate; all in two calls, which do to each what the notebooks do."""
    torch._foreach_sub_(parameters, torch._foreach_mul([parameter.grad for parameter in parameters], rate))


@torch.no_grad()
def mean_loss(model: nn.Module, letters: torch.Tensor, following: torch.Tensor) -> float:
    """Of a whole split at once, in nats, with the running statistics; the notebooks' split_loss."""
    model.eval()
    return float(functional.cross_entropy(model(letters), following))
