import inputs
import loss
import tensorflow as tf
import training_tf


def build(classes, _hparams):
    layers = tf.keras.layers
    images = tf.keras.Input((32, 32, 3))
    x = layers.Flatten()(layers.Conv2D(8, 4, 4, activation="relu")(images))
    return tf.keras.Model(images, layers.Dense(classes)(x))


def train(run):
    plain = inputs.batches

    def batches(*arguments):
        for number, batch in enumerate(plain(*arguments)):
            loss.lose(run, number)
            yield batch

    inputs.batches = batches
    training_tf.train(run, build)


def speed(run):
    training_tf.speed(run, build)
