"""An image model of Keras Applications by ``fit`` on one synthetic batch; an epoch is a step."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import keras
import tensorflow as tf

from benchmarks.public.turns import Turns

APPLICATIONS = {
    "resnet50": "ResNet50",
    "mobilenet_v2": "MobileNetV2",
    "densenet121": "DenseNet121",
    "convnext_tiny": "ConvNeXtTiny",
    "vgg16": "VGG16",
    "efficientnet_b0": "EfficientNetB0",
}


def main() -> None:
    path, steps, _ = sys.argv[1:4]
    job = json.loads(Path(path).read_text())
    hparams, name = job["hyperparameters"], job["model"]
    if name not in APPLICATIONS:
        raise SystemExit(f"Keras Applications has no {name}")
    tf.config.threading.set_intra_op_parallelism_threads(job["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(job["seed"])
    model = getattr(keras.applications, APPLICATIONS[name])(weights=None, classifier_activation=None)
    numbers = {"learning_rate": hparams["learning_rate"], "weight_decay": hparams["weight_decay"]}
    if hparams["optimizer"] == "adamw":
        optimizer = keras.optimizers.AdamW(**numbers)
    else:
        optimizer = keras.optimizers.SGD(momentum=hparams["momentum"], **numbers)
    model.compile(optimizer=optimizer, loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    size, side = int(hparams["batch_size_cpu"]), int(hparams.get("image_size", 224))
    images, labels = tf.random.normal((size, side, side, 3)), tf.random.uniform((size,), maxval=1000, dtype=tf.int64)
    batch = tf.data.Dataset.from_tensors((images, labels)).repeat()
    turns = Turns(int(steps), f"Keras Applications {keras.__version__}, fit")

    class Wait(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: object = None) -> None:  # noqa: ARG002 - Keras' names
            turns.epoch_starts()

    model.fit(batch, steps_per_epoch=10**6, verbose=0, callbacks=[Wait()])


main()
