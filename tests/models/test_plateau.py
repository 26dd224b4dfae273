"""The learning rate of the time-series models against Keras' own ReduceLROnPlateau."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy

from tests.models.asking import answer_of
from tests.models.importable import module_of

FOLDER = Path(__file__).parents[2] / "models" / "ts-fcn"
HPARAMS = {
    "learning_rate": 1e-3,
    "plateau_factor": 0.5,
    "plateau_patience": 5,
    "plateau_min_delta": 1e-4,
    "min_learning_rate": 1e-4,
}
KERAS = """
import json, sys
import tensorflow as tf
model = tf.keras.Sequential([tf.keras.Input((1,)), tf.keras.layers.Dense(1)])
model.compile(tf.keras.optimizers.Adam(1e-3), "mse")
plateau = tf.keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=5, min_lr=1e-4)
plateau.set_model(model)
plateau.on_train_begin()
rates = []
for epoch, loss in enumerate(json.load(sys.stdin)):
    plateau.on_epoch_end(epoch, {"loss": loss})
    rates.append(float(model.optimizer.learning_rate.numpy()))
print(json.dumps(rates))
"""


def test_the_rate_falls_when_keras_lets_it_fall(environment_python: Callable[[str], Path]) -> None:
    random = numpy.random.RandomState(0)
    steps = random.uniform(-4e-4, 2e-4, 120) * (random.uniform(size=120) < 0.3)
    losses = [float(loss) for loss in 0.5 + numpy.cumsum(steps)]
    plateau = module_of(FOLDER, "plateau").Plateau(HPARAMS)
    ours = [plateau.after_epoch(loss) for loss in losses]
    theirs = answer_of(environment_python("tf-2.21"), "-c", KERAS, given=json.dumps(losses))
    assert len(set(ours)) >= 4, "the losses must make it fall several times"
    assert numpy.allclose(ours, theirs, rtol=1e-6)
