"""ResNet-50 training steps in TensorFlow without the harness: THREADS BATCH WARMUP STEPS.

Prints {"samples_per_second": ...} from the median step.  Runs in the framework's environment.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from importlib import import_module
from pathlib import Path

import tensorflow as tf

sys.path.insert(0, str(Path(__file__).parent.parent / "models" / "resnet50"))
resnet50 = import_module("tf")

threads, batch, warmup, steps = map(int, sys.argv[1:5])
tf.config.threading.set_intra_op_parallelism_threads(threads)
tf.config.threading.set_inter_op_parallelism_threads(1)
tf.keras.utils.set_random_seed(0)
for gpu in tf.config.list_physical_devices("GPU"):
    tf.config.experimental.set_memory_growth(gpu, True)

model = resnet50.build(1000)
velocities = resnet50.zeros_like(model.trainable_variables)
train_step = resnet50.make_train_step(model, velocities, {"momentum": 0.9, "weight_decay": 1e-4})
images = tf.random.stateless_normal((batch, 224, 224, 3), (0, 0))
labels = tf.random.stateless_uniform((batch,), (0, 1), maxval=1000, dtype=tf.int64)
rate = tf.constant(0.1)
seconds = []
for _ in range(warmup + steps):
    start = time.perf_counter()
    train_step(images, labels, rate)
    tf.test.experimental.sync_devices()
    seconds.append(time.perf_counter() - start)
print(json.dumps({"samples_per_second": batch / statistics.median(seconds[warmup:])}))
