"""Run in PyTorch's environment, REPOSITORY FOLDER: states of many kinds, kept in one training and given to another."""

from __future__ import annotations

import sys
from typing import Any

sys.path.insert(0, sys.argv[1])
import torch
from torch import nn

from harness.worker import checkpoints
from harness.worker.frameworks import pytorch


def parts(seed: int) -> dict[str, Any]:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5)).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    return {
        "model": model,
        "optimizer": optimizer,
        "schedule": torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10),
        "ema": torch.optim.swa_utils.AveragedModel(model),
        "scaler": torch.amp.GradScaler("cpu", init_scale=float(4 + seed)),
        "g": torch.Generator().manual_seed(seed),
        "half": nn.Parameter(torch.randn(3).to(torch.bfloat16)),
        "seen": {"total": torch.zeros(()), "best": {"w": torch.ones(2)}, "none": None},
    }


def step(kept: dict[str, Any]) -> torch.Tensor:
    x = torch.randn(2, 3, 5, 5, generator=kept["g"]).contiguous(memory_format=torch.channels_last)
    kept["optimizer"].zero_grad()
    loss = kept["model"](x).square().mean() + kept["half"].float().sum()
    kept["scaler"].scale(loss).backward()
    kept["scaler"].step(kept["optimizer"])
    kept["scaler"].update()
    kept["schedule"].step()
    kept["ema"].update_parameters(kept["model"])
    kept["seen"]["total"] += loss.detach()
    kept["seen"]["best"] = {"w": torch.full((2,), float(loss))}
    return loss.detach()


first, second = parts(0), parts(1)
for _ in range(3):
    step(first)
state = {"parts": {name: pytorch.take(part) for name, part in first.items()}, "generators": pytorch.generators()}
checkpoints.save(sys.argv[2], "x.npz", {}, state)
about, read = checkpoints.load(sys.argv[2] + "/x.npz")
for name, part in second.items():
    pytorch.give(part, read["parts"][name])
pytorch.set_generators(read["generators"])
after = [step(second) for _ in range(3)]
pytorch.set_generators(read["generators"])  # dropout draws from the global one: both begin where it was
before = [step(first) for _ in range(3)]
assert torch.equal(torch.stack(before), torch.stack(after)), (before, after)
for one, other in zip(first["ema"].state_dict().values(), second["ema"].state_dict().values(), strict=True):
    assert torch.equal(one, other)
assert torch.equal(first["half"], second["half"])
assert torch.equal(first["seen"]["total"], second["seen"]["total"])
assert first["schedule"].get_last_lr() == second["schedule"].get_last_lr()
moment = second["optimizer"].state[second["model"][0].weight]["exp_avg"]
assert moment.is_contiguous(memory_format=torch.channels_last)
model = nn.Linear(2, 2)
try:
    pytorch.set_arrays(model, {"weight": pytorch.named_arrays(model)[0]["weight"][:1]})
except ValueError as error:
    assert "bias is not in the file; weight is (2, 2) in the model, (1, 2) in the file" in str(error), error  # noqa: PT017
else:
    raise AssertionError
sys.stdout.write("as before")
