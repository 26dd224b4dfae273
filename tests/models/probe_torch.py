"""Run in a PyTorch environment, MODELS FOLDER: prints what the tests ask, saves weights, input, logits and gradient."""

from __future__ import annotations

import json
import sys
import tomllib
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy
import torch
from torch.utils.flop_counter import FlopCounterMode

models, folder = Path(sys.argv[1]), Path(sys.argv[2])
resnet50 = import_module("importable").module_of(models / "resnet50", "pytorch")
architecture = tomllib.loads((models / "resnet50" / "model.toml").read_text())["architecture"]

torch.manual_seed(0)
told: dict[str, object] = {}
published = resnet50.build(1000, architecture)
told["parameters"] = sum(each.numel() for each in published.parameters() if each.requires_grad)
small = resnet50.build(10, architecture)
forward = {}
for model, side in ((published, 224), (small, 32)):
    model.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        told[f"shape {side}"] = list(model(torch.zeros(1, 3, side, side)).shape)
    forward[str(side)] = counter.get_total_flops()
told["forward_flops"] = forward

# Norms as training leaves them, so that their four arrays are told apart.
for name, array in small.state_dict().items():
    if "norm" in name and array.is_floating_point():
        array.copy_(torch.rand_like(array) + 0.5)
images = torch.randn(4, 3, 64, 64)
with torch.no_grad():
    logits = small(images)
saved = {name: array.numpy().copy() for name, array in small.state_dict().items()}

# In double precision: in single a ReLU at its kink makes whole per cents of a gradient.
labels = torch.arange(len(images))
exact, products = (deepcopy(small).double().train() for _ in range(2))
resnet50.training_pytorch.with_own_gradients(products)
told["products"] = [name for name, layer in products.named_modules() if type(layer).__name__ == "ProductConv2d"]
for kind, model in (("gradient", exact), ("product", products)):
    torch.nn.functional.cross_entropy(model(images.double()), labels).backward()
    saved.update({f"{kind} {name}": each.grad.numpy() for name, each in model.named_parameters()})

hparams = {"learning_rate": 1e-4, "momentum": 0.9, "weight_decay": 1e-4, "precision": "fp32"}
small.train()
run = SimpleNamespace(device="cpu", hparams=hparams, together=lambda: (0, 1))
step = resnet50.training_pytorch.Step(small, run)
told["losses"] = [float(step(images, labels, None, len(images))) for _ in range(4)]
(folder / "hparams.json").write_text(json.dumps(hparams))
numpy.savez(folder / "twin.npz", images=images.numpy(), logits=logits.numpy(), **saved)
sys.stdout.write(json.dumps(told))
