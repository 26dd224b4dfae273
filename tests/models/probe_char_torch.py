"""Run in a PyTorch environment, MODELS FOLDER MODEL: prints what the tests ask, saves what the twin needs."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy
import torch
from torch.nn import functional

torch.set_num_threads(1)
models, folder, model_name = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
module_of = import_module("importable").module_of
char, draws = (module_of(models / model_name, name) for name in ("pytorch", "draws"))
hparams: dict[str, Any] = json.loads((folder / "hparams.json").read_text())
hparams["steps_per_epoch"] = 1000

g = torch.Generator().manual_seed(hparams["generator_seed"])
network = (char.MLP if model_name == "char-mlp" else char.WaveNet)(27, hparams, g)
told: dict[str, object] = {"parameters": sum(each.numel() for each in network.parameters())}

# The same numbers without PyTorch.
ours, theirs = draws.Draws(7), torch.Generator().manual_seed(7)
told["normals"] = max(
    float(numpy.abs(ours.normals(shape) - torch.randn(shape, generator=theirs).numpy()).max())
    for shape in ((27, 10), (30, 200), (27,))
)
told["integers"] = bool(
    (ours.integers(182_625, (500, 32)) == torch.randint(0, 182_625, (500, 32), generator=theirs).numpy()).all()
)


class Run:
    """What the functions under test ask of a run."""

    def __init__(self) -> None:
        self.hparams, self.device = hparams, "cpu"

    steps_done = 0

    def saw_batch(self, rows: numpy.ndarray) -> None:
        self.rows = rows

    def arrays(self, split: str) -> tuple[numpy.ndarray, numpy.ndarray]:
        return numpy.load(folder / f"{split}_x.npy"), numpy.load(folder / f"{split}_y.npy")


run = Run()
losses: list[float] = []
for x, y in char.batches(run, g, *char.examples(run, "train"), {}):
    loss = functional.cross_entropy(network(x), y)
    network.zero_grad(set_to_none=True)
    loss.backward()
    if not losses:
        numpy.savez(
            folder / f"{model_name}.npz",
            rows=run.rows,
            **{f"gradient {index}": each.grad.numpy() for index, each in enumerate(network.parameters())},
        )
    for parameter in network.parameters():
        parameter.data += -hparams["learning_rate"] * parameter.grad
    losses.append(float(loss.detach()))
told["losses"] = losses
sys.stdout.write(json.dumps(told))
