"""ResNet-50 in TensorFlow with Keras layers: the twin of pytorch.py, layer by layer.

From He et al. 2016, "Deep Residual Learning for Image Recognition", with the v1.5 stride
placement (see pytorch.py).  Layers carry the names of their PyTorch twins.  Padding is written
out wherever a stride is above one, because Keras' "same" then pads unevenly.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Tuple

import inputs
import tensorflow as tf
from schedule import learning_rate

layers = tf.keras.layers

STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))  # Table 1, 50 layers: width and blocks of conv2_x to conv5_x
EXPANSION = 4  # a block's output is four times as wide as its 3x3 convolution

# He et al. 2015, equation 14 (fan-out).
HE_NORMAL = {"scale": 2.0, "mode": "fan_out", "distribution": "untruncated_normal"}


def conv(x: Any, name: str, width: int, kernel: int, stride: int = 1) -> Any:
    padding = kernel // 2
    if stride > 1 and padding:
        x = layers.ZeroPadding2D(padding)(x)
    return layers.Conv2D(
        width,
        kernel,
        stride,
        padding="same" if stride == 1 else "valid",
        use_bias=False,
        kernel_initializer=tf.keras.initializers.VarianceScaling(**HE_NORMAL),
        name=name,
    )(x)


def norm(x: Any, name: str, gamma: float = 1.0) -> Any:
    """PyTorch's defaults: Keras' momentum is one minus PyTorch's."""
    start = tf.keras.initializers.Constant(gamma)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, gamma_initializer=start, name=name)(x)


def bottleneck(x: Any, name: str, channels: int, width: int, stride: int, last_gamma: float) -> Any:
    """Figure 5, right: 1x1 narrows, 3x3 works, 1x1 widens; the input is added to the result."""
    shortcut = x
    if channels != EXPANSION * width:  # shortcut option B of section 4.1
        shortcut = conv(x, name + ".conv_shortcut", EXPANSION * width, 1, stride)
        shortcut = norm(shortcut, name + ".norm_shortcut")
    y = layers.ReLU()(norm(conv(x, name + ".conv1", width, 1), name + ".norm1"))
    y = layers.ReLU()(norm(conv(y, name + ".conv2", width, 3, stride), name + ".norm2"))
    y = norm(conv(y, name + ".conv3", EXPANSION * width, 1), name + ".norm3", last_gamma)
    return layers.ReLU()(layers.Add()([y, shortcut]))


def build(classes: int, last_gamma: float = 1.0) -> tf.keras.Model:
    """images [n, height, width, 3] -> logits [n, classes]; sides of at least 32 pixels.

    ``last_gamma`` 0 lets every block start as the identity (Goyal et al. 2017, section 5.1).
    """
    images = tf.keras.Input((None, None, 3))
    x = layers.ReLU()(norm(conv(images, "conv1", 64, 7, stride=2), "norm1"))
    x = layers.ZeroPadding2D(1)(x)  # nothing is below zero after ReLU, so zeros never win the maximum
    x = layers.MaxPooling2D(3, 2)(x)
    channels = 64
    for stage, (width, blocks) in enumerate(STAGES):
        for block in range(blocks):
            name = "stage%d.%d" % (stage + 2, block)  # conv2_x to conv5_x
            stride = 2 if block == 0 and stage > 0 else 1
            x = bottleneck(x, name, channels, width, stride, last_gamma)
            channels = EXPANSION * width
    x = layers.GlobalAveragePooling2D()(x)
    bound = channels**-0.5  # uniform +-1/sqrt(fan-in)
    logits = layers.Dense(
        classes,
        kernel_initializer=tf.keras.initializers.RandomUniform(-bound, bound),
        bias_initializer=tf.keras.initializers.RandomUniform(-bound, bound),
        dtype="float32",
        name="fc",
    )(x)
    return tf.keras.Model(images, logits)


def train(run: Any) -> None:
    hparams = run.hparams
    set_precision(hparams)
    model = build(run.classes, hparams["last_gamma"])
    run.weights("initial", model)
    batch_size = int(hparams["batch_size"])
    steps = -(-samples_of(run, "train") // batch_size)  # rounded up: the last batch is smaller
    velocities = zeros_like(model.trainable_variables)
    run.keep(model=model, velocities=velocities)
    train_step, predict = make_train_step(model, velocities, hparams), make_predict(model, hparams)

    for epoch in run.epochs():
        coming = run.steps(inputs.batches(run, "train", batch_size))
        for step, (pixels, labels) in enumerate(coming, start=run.steps_done):
            rate = learning_rate(hparams, epoch, step / steps)
            loss = train_step(normalize(pixels, hparams), tf.constant(labels), tf.constant(rate, tf.float32))
            run.loss(loss)
        for name, value in evaluate(predict, run).items():
            run.metric(name, value)
    run.weights("final", model)


def make_train_step(
    model: tf.keras.Model, velocities: List[tf.Variable], hparams: Dict[str, Any]
) -> Callable[..., tf.Tensor]:
    """The graph of one update; it returns the batch's mean loss.

    SGD as PyTorch does it, in one pass over memory: the rate multiplies the velocity when it is used.
    Keras' optimizer multiplies each gradient when it enters the velocity, which differs as soon as
    the rate changes.  No sum here has three terms: grappler makes an AddN of such a sum, which adds
    in the order in which its inputs' memory comes free, so that the last bit does not repeat.
    """
    momentum, decay = float(hparams["momentum"]), float(hparams["weight_decay"])
    weights = model.trainable_variables

    # One graph for every batch size: the last batch of an epoch is smaller.
    @tf.function(
        input_signature=[
            tf.TensorSpec((None, None, None, 3), tf.float32),
            tf.TensorSpec((None,), tf.int64),
            tf.TensorSpec((), tf.float32),
        ]
    )
    def train_step(images: tf.Tensor, labels: tf.Tensor, rate: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            logits = model(images, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, weights)
        for weight, velocity, gradient in zip(weights, velocities, gradients):
            # Weight decay is added to the gradient of every parameter, norms and bias included.
            tf.raw_ops.ResourceApplyMomentum(
                var=weight.handle,
                accum=velocity.handle,
                lr=rate,
                grad=gradient + decay * weight,
                momentum=momentum,
            )
        return loss

    return train_step


def zeros_like(weights: List[tf.Variable]) -> List[tf.Variable]:
    return [tf.Variable(tf.zeros(weight.shape), trainable=False) for weight in weights]


def make_predict(model: tf.keras.Model, hparams: Dict[str, Any]) -> Callable[[tf.Tensor], tf.Tensor]:
    """The graph from images to the classes of the highest logits, best first: int32 [n, max k]."""
    k = max(hparams["top_k"])

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32)])
    def predict(images: tf.Tensor) -> tf.Tensor:
        return tf.math.top_k(model(images, training=False), k).indices

    return predict


def evaluate(predict: Callable[[tf.Tensor], tf.Tensor], run: Any) -> Dict[str, float]:
    """top-k accuracy as a fraction of the evaluation split, for every k of ``hparams["top_k"]``."""
    split, top_k = run.hparams["eval_split"], run.hparams["top_k"]
    right = dict.fromkeys(top_k, 0)
    for pixels, labels in inputs.batches(run, split, int(run.hparams["eval_batch_size"])):
        hits = predict(normalize(pixels, run.hparams)).numpy() == labels[:, None]
        for k in top_k:
            right[k] += int(hits[:, :k].sum())
    return {"top%d" % k: right[k] / samples_of(run, split) for k in top_k}


def speed(run: Any) -> None:
    """Training steps on one synthetic batch that already lies on the device."""
    set_precision(run.hparams)
    model = build(classes=1000)
    run.weights("initial", model)
    train_step = make_train_step(model, zeros_like(model.trainable_variables), run.hparams)
    batch_size = int(run.hparams["batch_size_gpu" if run.device == "cuda" else "batch_size_cpu"])
    images, labels = synthetic_batch(batch_size, run.seed)
    rate = tf.constant(run.hparams["learning_rate"], tf.float32)
    for _ in run.timed_steps(samples=batch_size):
        train_step(images, labels, rate)


def set_precision(hparams: Dict[str, Any]) -> None:
    """bf16: multiply in bfloat16, keep the weights in float32."""
    policy = {"fp32": "float32", "bf16": "mixed_bfloat16"}[hparams["precision"]]
    tf.keras.mixed_precision.set_global_policy(policy)


def synthetic_batch(batch_size: int, seed: int) -> Tuple[tf.Tensor, tf.Tensor]:
    """images float32 [n, 224, 224, 3] and labels [n], drawn on the device from the run's seed."""
    images = tf.random.stateless_normal((batch_size, 224, 224, 3), (seed, 0))
    labels = tf.random.stateless_uniform((batch_size,), (seed, 1), maxval=1000, dtype=tf.int64)
    return images, labels


def normalize(pixels: Any, hparams: Dict[str, Any]) -> tf.Tensor:
    """pixels uint8 [n, height, width, 3] -> images float32 of the same shape."""
    return (tf.cast(tf.constant(pixels), tf.float32) - hparams["pixel_mean"]) / hparams["pixel_std"]


def samples_of(run: Any, split: str) -> int:
    folders = run.data.folders
    return len(folders[split].paths) if split in folders else len(run.arrays(split)[1])
