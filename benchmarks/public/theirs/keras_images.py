"""fashion-cnn by Keras' ``fit``, as its notebook trains it, and ResNet-50 of keras.applications.

ResNet-50 there is the paper's first version: blocks halve the image in their first convolution, and convolutions
have biases.  Its pixels are enlarged and normalised beforehand.
"""

from __future__ import annotations

import keras
from keras import layers

from benchmarks.public.task import Array, Task, read_task
from benchmarks.public.theirs.fitting import fit, prepare


def main() -> None:
    task = read_task()
    prepare(task)
    {"fashion-cnn": fashion, "resnet50": resnet}[task.model](task)


def fashion(task: Task) -> None:
    hparams = task.hparams
    x, y = task.arrays("train")
    x = x.transpose(0, 2, 3, 1).astype("float32") / 255
    held_out = round(len(x) * hparams["val_share"])
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(hparams["filters"], 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(hparams["filters"], 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Dropout(hparams["conv_dropout"]),
            layers.Flatten(),
            layers.Dense(hparams["hidden"], activation="relu"),
            layers.Dropout(hparams["hidden_dropout"]),
            layers.Dense(task.classes),
        ]
    )
    optimizer = keras.optimizers.Adam(hparams["learning_rate"], epsilon=hparams["epsilon"])
    validation = (x[:held_out], y[:held_out])
    fit(task, model, optimizer, x[held_out:], y[held_out:], validation=validation, accuracy=True)


def resnet(task: Task) -> None:
    hparams = task.hparams
    model = keras.applications.ResNet50(
        weights=None, input_shape=(32, 32, 3), classes=task.classes, classifier_activation=None
    )
    optimizer = keras.optimizers.SGD(
        hparams["learning_rate"], momentum=hparams["momentum"], weight_decay=hparams["weight_decay"]
    )
    (x, y), (test_x, test_y) = task.arrays("train"), task.arrays("test")
    validation = (enlarged(test_x, task), test_y)
    fit(task, model, optimizer, enlarged(x, task), y, validation=validation, accuracy=True)


def enlarged(x: Array, task: Task) -> Array:
    """[n, 1, 8, 8] -> float32 [n, 32, 32, 3]."""
    large = x.repeat(4, axis=2).repeat(4, axis=3).transpose(0, 2, 3, 1).repeat(3, axis=3)
    normal: Array = ((large - task.hparams["pixel_mean"]) / task.hparams["pixel_std"]).astype("float32")
    return normal


if __name__ == "__main__":
    main()
