"""ResNet-50 training steps in PyTorch without the harness: THREADS BATCH WARMUP STEPS.

Prints {"samples_per_second": ...} from the median step.  Runs in the framework's environment.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import tomllib
from importlib import import_module
from pathlib import Path

import torch
from torch.nn import functional

models = Path(__file__).parent.parent / "models"
sys.path[:0] = [str(models / family) for family in ("resnet", "imagenet")]
resnet = import_module("pytorch")
architecture = tomllib.loads((models / "resnet50" / "model.toml").read_text())["architecture"]

threads, batch, warmup, steps = map(int, sys.argv[1:5])
device = "cuda" if torch.cuda.is_available() else "cpu"
torch.set_num_threads(threads)
torch.set_num_interop_threads(1)
torch.manual_seed(0)
torch.backends.cudnn.benchmark = True

model = resnet.build(1000, architecture).to(device).train()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
draws = torch.Generator(device).manual_seed(0)  # the model's own batch: how fast a step is can depend on the data
images = torch.randn(batch, 3, 224, 224, device=device, generator=draws)
labels = torch.randint(1000, (batch,), device=device, generator=draws)
seconds = []
for _ in range(warmup + steps):
    start = time.perf_counter()
    optimizer.zero_grad(set_to_none=True)
    functional.cross_entropy(model(images), labels).backward()
    optimizer.step()
    if device == "cuda":
        torch.cuda.synchronize()
    seconds.append(time.perf_counter() - start)
print(json.dumps({"samples_per_second": batch / statistics.median(seconds[warmup:])}))
