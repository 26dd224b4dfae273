"""Run in a PyTorch environment, MODELS FOLDER: trains a few steps without dropout, tells losses, saves the rest."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy
import torch

models, folder = Path(sys.argv[1]), Path(sys.argv[2])
asked = json.loads((folder / "asked.json").read_text())
sys.path.insert(0, str(models / "mc-dropout"))
mc, splits = import_module("pytorch"), import_module("splits")

torch.set_num_threads(1)
torch.manual_seed(0)
data = numpy.load(folder / "data.npz")
x, y, block = (torch.from_numpy(data[name]) for name in ("x", "y", "block"))
count, samples, features = x.shape
still = {**asked["hparams"], "dropout": [0.0] * count}
decay = torch.from_numpy(splits.weight_decay(samples, still))
model = mc.build(features, still)
told: dict[str, object] = {"parameters": sum(each.numel() for each in model.parameters())}


def arrays(prefix: str) -> dict[str, Any]:
    return {prefix + name: tensor.detach().numpy().copy() for name, tensor in model.named_parameters()}


saved = arrays("before ")
loss = mc.objective(model, x, y, decay)
loss.backward()
saved["target"] = model(x).detach().numpy()
saved.update(("gradient " + name, each.grad.numpy().copy()) for name, each in model.named_parameters())

optimizer = mc.adam(model, still)
losses = [float(mc.train_epochs(model, optimizer, x, y, block, decay, still)) for _ in range(asked["compared"])]
saved.update(arrays("after "))
told["losses"] = losses
numpy.savez(folder / "twin.npz", **saved)

# The first split's network, trained alone from the same weights.
alone = mc.build(features, {**still, "dropout": [0.0], "tau": still["tau"][:1]})
with torch.no_grad():
    for name, parameter in alone.named_parameters():
        parameter.copy_(torch.from_numpy(saved["before " + name][:1]))
optimizer = mc.adam(alone, still)
for _ in range(asked["compared"]):
    mc.train_epochs(alone, optimizer, x[:1], y[:1], block[:, :1], decay[:1], still)
told["alone"] = max(
    float(numpy.abs(parameter.detach().numpy() - saved["after " + name][:1]).max())
    for name, parameter in alone.named_parameters()
)

# With dropout, as the recipe has it.
model = mc.build(features, asked["hparams"])
optimizer = mc.adam(model, asked["hparams"])
args = (model, optimizer, x, y, block, decay, asked["hparams"])
told["trained"] = [float(mc.train_epochs(*args)) for _ in range(asked["steps"])]
rates = mc.build(features, {**still, "dropout": asked["rates"]})
kept = rates.thinned(torch.ones((len(asked["rates"]), 1000, 50)))
told["dropped"] = (kept == 0).float().mean(dim=(1, 2)).tolist()
told["kept"] = kept.mean(dim=(1, 2)).tolist()
passes = list(mc.predict(model, x, {**asked["hparams"], "passes": 20, "passes_at_once": 10}))
told["shapes"] = [each.shape for each in passes]
told["differ"] = bool((passes[0][:, 0] != passes[0][:, 1]).any())
sys.stdout.write(json.dumps(told))
