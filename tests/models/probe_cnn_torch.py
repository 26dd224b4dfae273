"""Run in a PyTorch environment, MODELS FOLDER: trains a few steps without dropout, tells losses, saves the rest."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy
import torch
from torch.nn import functional

models, folder = Path(sys.argv[1]), Path(sys.argv[2])
asked = json.loads((folder / "asked.json").read_text())
cnn = import_module("importable").module_of(models / asked["model"], "pytorch")

torch.set_num_threads(1)
torch.manual_seed(0)
batch = numpy.load(folder / "batch.npz")
x, y = cnn.inputs(batch["x"], "cpu"), torch.from_numpy(batch["y"])
model = cnn.build(*asked["sizes"], asked["hparams"])
told: dict[str, object] = {"parameters": sum(each.numel() for each in model.parameters() if each.requires_grad)}


def arrays(prefix: str) -> dict[str, Any]:
    return {prefix + name: tensor.detach().numpy().copy() for name, tensor in model.named_parameters()}


saved = arrays("before ")
logits = model(x)
functional.cross_entropy(logits, y).backward()
saved["logits"] = logits.detach().numpy()
saved.update(("gradient " + name, each.grad.to_dense().numpy().copy()) for name, each in model.named_parameters())

optimizer = cnn.optimizer_of(model, asked["hparams"])
losses = []
for step in range(asked["steps"]):
    losses.append(float(cnn.train_step(model, optimizer, x, y)))
    if step + 1 == asked["compared"]:
        saved.update(arrays("after "))
told["losses"] = losses
numpy.savez(folder / "twin.npz", **saved)
sys.stdout.write(json.dumps(told))
