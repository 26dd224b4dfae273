"""aeon's MLP, FCN and ResNet classifiers by their own ``fit``, which is Keras', with their plateau and checkpoint.

The checkpoint writes a file when the loss has improved, as it does for aeon's users.
"""

from __future__ import annotations

import tempfile

import aeon
import keras
from aeon.classification import deep_learning

from benchmarks.public.task import read_task
from benchmarks.public.theirs.fitting import EPOCHS, InTurns, prepare


def main() -> None:
    task = read_task()
    prepare(task)
    hparams = task.hparams
    x, y = task.arrays("train")
    plateau = keras.callbacks.ReduceLROnPlateau(
        monitor="loss",
        factor=hparams["plateau_factor"],
        patience=hparams["plateau_patience"],
        min_lr=hparams["min_learning_rate"],
    )
    if task.model == "ts-mlp":
        optimizer = keras.optimizers.Adadelta(hparams["learning_rate"], rho=hparams["rho"], epsilon=hparams["epsilon"])
    else:
        optimizer = keras.optimizers.Adam(hparams["learning_rate"], epsilon=hparams["epsilon"])
    classifier = {
        "ts-mlp": deep_learning.MLPClassifier,
        "ts-fcn": deep_learning.FCNClassifier,
        "ts-resnet": deep_learning.ResNetClassifier,
    }[task.model]
    with tempfile.TemporaryDirectory() as folder:
        classifier(
            n_epochs=EPOCHS,
            batch_size=hparams["batch_size"],
            optimizer=optimizer,
            callbacks=[plateau, InTurns(task.turns(f"aeon {aeon.__version__}"))],
            file_path=f"{folder}/",
            random_state=task.seed,
        ).fit(x.astype("float32"), y)


if __name__ == "__main__":
    main()
