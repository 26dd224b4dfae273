"""ResNet-50 training steps in TensorFlow without the harness: THREADS BATCH WARMUP STEPS.

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
from types import SimpleNamespace

import tensorflow as tf

models = Path(__file__).parent.parent / "models"
sys.path[:0] = [str(models / family) for family in ("resnet", "imagenet")]
architecture = tomllib.loads((models / "resnet50" / "model.toml").read_text())["architecture"]

threads, batch, warmup, steps = map(int, sys.argv[1:5])
tf.config.threading.set_intra_op_parallelism_threads(threads)
tf.config.threading.set_inter_op_parallelism_threads(1)
tf.keras.utils.set_random_seed(0)
for gpu in tf.config.list_physical_devices("GPU"):
    tf.config.experimental.set_memory_growth(gpu, True)

hparams = {"momentum": 0.9, "weight_decay": 1e-4, "precision": "fp32"}
model = import_module("tf").build(1000, architecture)  # after the threads are set: its modules make a variable
run = SimpleNamespace(hparams=hparams, together=lambda: (0, 1))
step = import_module("training_tf").Step(model, run)
images = tf.random.stateless_normal((batch, 224, 224, 3), (0, 0))
labels = tf.random.stateless_uniform((batch,), (0, 1), maxval=1000, dtype=tf.int64)
seconds = []
for _ in range(warmup + steps):
    start = time.perf_counter()
    step(images, labels, 0.1, None, batch)
    tf.test.experimental.sync_devices()
    seconds.append(time.perf_counter() - start)
print(json.dumps({"samples_per_second": batch / statistics.median(seconds[warmup:])}))
