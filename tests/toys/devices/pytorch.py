import inputs
import loss
import training_pytorch
from torch import nn


def build(classes, _hparams):
    return nn.Sequential(nn.Conv2d(3, 8, 4, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 8 * 8, classes))


def train(run):
    plain = inputs.batches

    def batches(*arguments):
        for number, batch in enumerate(plain(*arguments)):
            loss.lose(run, number)
            yield batch

    inputs.batches = batches
    training_pytorch.train(run, build)


def speed(run):
    training_pytorch.speed(run, build)
