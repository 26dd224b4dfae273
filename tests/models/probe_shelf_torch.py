"""Run in a PyTorch environment, MODELS FOLDER: of each model in FOLDER/asked.json its size, its FLOPs and one step.

Leaves FOLDER/<model>.npz (weights as PyTorch names them) and <model>_twin.npz (images, logits) for
the TensorFlow probe; torch.json has the rest.
"""

from __future__ import annotations

import json
import sys
import traceback
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy
import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

module_of = import_module("importable").module_of


def published(module: ModuleType, asked: dict[str, Any]) -> dict[str, Any]:
    """Parameters and multiply-adds forward of the published network: on the meta device, so nothing is computed."""
    with torch.device("meta"):
        model = module.build(asked["classes"], asked["published"])
        model.eval()
        side = asked["published"]["image_size"]
        images = torch.zeros(1, channels(asked), side, side)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(images)
    return {"published": parameters(model), "multiply_adds": counter.get_total_flops() / 2}


def twin(module: ModuleType, asked: dict[str, Any], weights: Path, seen: Path) -> dict[str, Any]:
    """Logits as in evaluation; loss, gradient and running means of one step as in training."""
    torch.manual_seed(0)
    model = module.build(asked["classes"], asked["hparams"])
    told: dict[str, Any] = {"parameters": parameters(model)}
    stir(model)
    images = torch.randn(asked["batch"], channels(asked), asked["side"], asked["side"])
    labels = torch.arange(len(images))
    model.eval()
    with torch.no_grad():
        logits = model(images)
    numpy.savez(weights, **{name: array.numpy() for name, array in model.state_dict().items()})
    numpy.savez(seen, images=images.numpy(), logits=logits.numpy())
    if asked["trains"]:
        found = model.double().train()(images.double())
        every = [found] if isinstance(found, torch.Tensor) else list(found)
        losses = [functional.cross_entropy(each, labels) for each in every]
        loss = losses[0] + asked["hparams"].get("aux_weight", 0.0) * sum(losses[1:])
        loss.backward()
        told["loss"] = float(loss.detach())
        told["gradient"] = {name: float(each.grad.norm()) for name, each in model.named_parameters()}
        told["means"] = {
            name: float(each.norm()) for name, each in model.named_buffers() if name.endswith("running_mean")
        }
    return told


def channels(asked: dict[str, Any]) -> int:
    return int(asked["hparams"].get("channels", 3))


def parameters(model: torch.nn.Module) -> int:
    return sum(each.numel() for each in model.parameters() if each.requires_grad)


def stir(model: torch.nn.Module) -> None:
    """Weights that start alike (norms, biases, layer scales) would hide that two of them are confused."""
    with torch.no_grad():
        for name, array in model.state_dict().items():
            if not array.is_floating_point() or (array != array.flatten()[0]).any():
                continue
            if name.endswith("running_var") or array.flatten()[0] != 0:
                array.copy_(torch.rand_like(array) + 0.5)
            else:
                array.copy_(0.1 * torch.randn_like(array))


models, folder = Path(sys.argv[1]), Path(sys.argv[2])
torch.set_num_threads(1)
told: dict[str, Any] = {}
for name, asked in json.loads((folder / "asked.json").read_text()).items():
    try:  # one broken model must not hide the others
        module = module_of(models / name, "pytorch")
        told[name] = {
            **published(module, asked),
            **twin(module, asked, folder / f"{name}.npz", folder / f"{name}_twin.npz"),
        }
    except Exception:  # noqa: BLE001
        told[name] = {"error": traceback.format_exc()}
(folder / "torch.json").write_text(json.dumps(told))
