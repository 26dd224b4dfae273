"""CNN for sentences with random word vectors in TensorFlow: the twin of pytorch.py."""

from __future__ import annotations

from typing import Any, Callable, Dict

import numpy
import tensorflow as tf
from adadelta_tf import Adadelta
from parts import PADDING, cut, vocabulary

layers, initializers = tf.keras.layers, tf.keras.initializers

EVAL_BATCH = 250


def build(words: int, classes: int, hparams: Dict[str, Any]) -> tf.keras.Model:
    """word numbers [n, words] -> logits [n, classes]: filters of several widths, their maxima over the sentence."""
    numbers = tf.keras.Input((None,), dtype="int32")
    embedding = layers.Embedding(
        words, hparams["dimensions"], embeddings_initializer=uniform(hparams["embedding_bound"]), name="embedding"
    )
    maxima = []
    for place, width in enumerate(hparams["widths"]):
        # Looked up for each width: the gradients of one look-up would be a sum of three, which TensorFlow
        # does not repeat to the last bit on several threads.
        x = layers.Conv1D(
            hparams["filters"],
            width,
            activation="relu",
            kernel_initializer=uniform(hparams["conv_bound"]),
            name="convs.%d" % place,
        )(embedding(numbers))
        maxima.append(layers.GlobalMaxPooling1D()(x))
    x = layers.Dropout(hparams["dropout"])(layers.Concatenate()(maxima))
    normal = initializers.RandomNormal(stddev=hparams["fc_std"])
    model = tf.keras.Model(numbers, layers.Dense(classes, kernel_initializer=normal, name="fc")(x))
    table = numpy.array(embedding.get_weights()[0])
    table[PADDING] = 0
    embedding.set_weights([table])
    return model


def uniform(bound: float) -> Any:
    return initializers.RandomUniform(-bound, bound)


def train(run: Any) -> None:
    model = build(vocabulary(run), run.classes, run.hparams)
    run.weights("initial", model)
    train_step, predict = make_train_step(model, run.hparams), make_predict(model)
    parts = cut(run)
    best_accuracy, best_weights = 0.0, model.get_weights()

    for _ in run.epochs():
        for x, y in run.steps(run.batches("train", rows=parts.train)):
            run.loss(train_step(inputs(x), tf.constant(y)))
        dev_accuracy = accuracy(predict, run, "train", parts.dev)
        if dev_accuracy > best_accuracy:
            best_accuracy, best_weights = dev_accuracy, model.get_weights()

    model.set_weights(best_weights)
    run.metric("accuracy", accuracy(predict, run, parts.test_split, parts.test))
    run.weights("final", model)


def make_train_step(model: tf.keras.Model, hparams: Dict[str, Any]) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """The graph of one update; it returns the batch's mean loss."""
    optimizer = Adadelta(hparams)
    weights = model.trainable_variables
    optimizer.build(weights)  # its own variables must exist before the graph is made
    fc = model.get_layer("fc").kernel

    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None,), tf.int64)])
    def train_step(numbers: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, model(numbers, training=True))
            loss = tf.reduce_mean(losses)
        gradients = [without_padding(gradient) for gradient in tape.gradient(loss, weights)]
        optimizer.apply_gradients(zip(gradients, weights))
        # Each class's weights to the norm 3: the source enlarges small ones too, where Kim only bounds them.
        kernel = tf.convert_to_tensor(fc)
        fc.assign(kernel * (hparams["row_norm"] / (1e-7 + tf.norm(kernel, axis=0, keepdims=True))))
        return loss

    return train_step


def without_padding(gradient: Any) -> Any:
    """The gradient of the word vectors, each word once; that of padding is 0, which leaves it where it is."""
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    words, places = tf.unique(gradient.indices)
    values = tf.math.unsorted_segment_sum(gradient.values, places, tf.size(words))
    return tf.IndexedSlices(tf.where((words == PADDING)[:, None], 0.0, values), words, gradient.dense_shape)


def make_predict(model: tf.keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """The graph from word numbers to the class of the highest logit, int64 [n]."""

    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32)])
    def predict(numbers: tf.Tensor) -> tf.Tensor:
        return tf.argmax(model(numbers, training=False), axis=1)

    return predict


def accuracy(predict: Callable[[tf.Tensor], tf.Tensor], run: Any, split: str, rows: numpy.ndarray) -> float:
    """Share of these sentences whose class has the highest logit."""
    right = 0
    for x, y in run.batches(split, EVAL_BATCH, rows=rows, shuffle=False):
        right += int((predict(inputs(x)).numpy() == y).sum())
    return right / len(rows)


def inputs(numbers: numpy.ndarray) -> tf.Tensor:
    return tf.constant(numpy.asarray(numbers, numpy.int32))
