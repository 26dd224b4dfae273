"""An image model of torchvision or timm in a plain PyTorch loop on one synthetic batch."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import torch
from torch.nn import functional

from benchmarks.public.turns import Turns

TIMM = {"vit_b_16": "vit_base_patch16_224", "mobilenet_v2": "mobilenetv2_100"}  # where it is called otherwise


def main() -> None:
    path, steps, library = sys.argv[1:4]
    job = json.loads(Path(path).read_text())
    hparams, name = job["hyperparameters"], job["model"]
    torch.set_num_threads(job["threads"])
    torch.manual_seed(job["seed"])
    # PyPI's torchvision is made for CUDA and cannot load its operators here, whose shapes it would register next.
    sys.modules["torchvision._meta_registrations"] = ModuleType("torchvision._meta_registrations")
    if library == "timm":
        import timm

        model, version = timm.create_model(TIMM.get(name, name)), timm.__version__
    else:
        import torchvision

        model, version = getattr(torchvision.models, name)(), torchvision.__version__
    numbers = {"lr": hparams["learning_rate"], "weight_decay": hparams["weight_decay"]}
    optimizer: torch.optim.Optimizer
    if hparams["optimizer"] == "adamw":
        optimizer = torch.optim.AdamW(model.parameters(), **numbers)
    else:
        optimizer = torch.optim.SGD(model.parameters(), momentum=hparams["momentum"], **numbers)
    clip_norm = hparams.get("clip_norm")
    size, side = int(hparams["batch_size_cpu"]), int(hparams.get("image_size", 224))
    images, labels = torch.randn(size, 3, side, side), torch.randint(1000, (size,))
    model.train()
    for _ in Turns(int(steps), f"{library} {version}, plain loop").epochs():
        optimizer.zero_grad(set_to_none=True)
        functional.cross_entropy(model(images), labels).backward()
        if clip_norm:
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        optimizer.step()


main()
