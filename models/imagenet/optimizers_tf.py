"""The optimizers of optimizers_pytorch.py in TensorFlow, update for update, and the average of the weights.

Written out, because Keras' own differ: its SGD multiplies the gradient by the rate when it enters
the velocity, its AdamW and RMSprop put epsilon elsewhere.  No sum has three terms: grappler makes an
AddN of such a sum, which adds in the order in which its inputs' memory comes free, so that the last
bit does not repeat.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Sequence

import tensorflow as tf

EMBEDDINGS = ("class_token", "position_embedding", "relative_position_bias_table")

Update = Callable[[Sequence[tf.Tensor], tf.Tensor], None]  # gradients, learning rate


def make_update(model: tf.keras.Model, hparams: Dict[str, Any], state: List[tf.Variable]) -> Update:
    """The update of all trainable weights; its variables are appended to ``state``.

    Raises ValueError for a name that is none of "sgd", "adamw", "rmsprop", "lars".
    """
    weights = model.trainable_variables
    decays = [decay_of(weight, hparams) for weight in weights]
    name = hparams.get("optimizer", "sgd")
    if name not in UPDATES:
        raise ValueError('optimizer is "sgd", "adamw", "rmsprop" or "lars", not %r' % (name,))
    return UPDATES[name](weights, decays, hparams, state)


def decay_of(weight: Any, hparams: Dict[str, Any]) -> float:
    """By the weight's name; which decay holds for what is said in optimizers_pytorch.decay_groups."""
    words = str(getattr(weight, "path", weight.name)).split(":")[0].replace("/", ".").split(".")
    kind = "norm" if words[-1] in ("gamma", "beta") else ""
    if any(word in EMBEDDINGS for word in words):
        kind = "embedding"
    if words[-1] in ("bias", "beta") and "bias_weight_decay" in hparams:
        kind = "bias"
    every = float(hparams["weight_decay"])
    return float(hparams.get(kind + "_weight_decay", every)) if kind else every


def sgd(weights: Any, decays: List[float], hparams: Dict[str, Any], state: List[tf.Variable]) -> Update:
    momentum, nesterov = float(hparams.get("momentum", 0.0)), bool(hparams.get("nesterov", False))
    velocities = zeros_like(weights, state)

    def update(gradients: Sequence[tf.Tensor], rate: tf.Tensor) -> None:
        for weight, velocity, gradient, decay in zip(weights, velocities, gradients, decays):
            tf.raw_ops.ResourceApplyMomentum(
                var=weight.handle,
                accum=velocity.handle,
                lr=rate,
                grad=gradient + decay * weight if decay else gradient,
                momentum=momentum,
                use_nesterov=nesterov,
            )

    return update


def adamw(weights: Any, decays: List[float], hparams: Dict[str, Any], state: List[tf.Variable]) -> Update:
    """Loshchilov and Hutter 2019, algorithm 2, with the decay multiplied by the rate as PyTorch does."""
    first, second = hparams.get("betas", (0.9, 0.999))
    epsilon = float(hparams.get("epsilon", 1e-8))
    means, squares = zeros_like(weights, state), zeros_like(weights, state)
    count = tf.Variable(0, dtype=tf.int64, trainable=False)
    state.append(count)

    def update(gradients: Sequence[tf.Tensor], rate: tf.Tensor) -> None:
        steps = tf.cast(count.assign_add(1), tf.float64)
        size = tf.cast(tf.cast(rate, tf.float64) / (1.0 - tf.pow(tf.constant(first, tf.float64), steps)), tf.float32)
        root = tf.cast(tf.sqrt(1.0 - tf.pow(tf.constant(second, tf.float64), steps)), tf.float32)
        for weight, mean, square, gradient, decay in zip(weights, means, squares, gradients, decays):
            mean.assign(mean + (1.0 - first) * (gradient - mean))
            square.assign(second * square + (1.0 - second) * tf.square(gradient))
            kept = weight * (1.0 - rate * decay) if decay else weight
            weight.assign(kept - size * mean / (tf.sqrt(square) / root + epsilon))

    return update


def rmsprop(weights: Any, decays: List[float], hparams: Dict[str, Any], state: List[tf.Variable]) -> Update:
    """Tieleman and Hinton 2012, epsilon outside the root, the momentum of what has been divided."""
    alpha, epsilon = float(hparams.get("rmsprop_alpha", 0.99)), float(hparams.get("epsilon", 1e-8))
    momentum = float(hparams.get("momentum", 0.0))
    squares, velocities = zeros_like(weights, state), zeros_like(weights, state)

    def update(gradients: Sequence[tf.Tensor], rate: tf.Tensor) -> None:
        for weight, square, velocity, gradient, decay in zip(weights, squares, velocities, gradients, decays):
            whole = gradient + decay * weight if decay else gradient
            square.assign(alpha * square + (1.0 - alpha) * tf.square(whole))
            velocity.assign(momentum * velocity + whole / (tf.sqrt(square) + epsilon))
            weight.assign_sub(rate * velocity)

    return update


def lars(weights: Any, decays: List[float], hparams: Dict[str, Any], state: List[tf.Variable]) -> Update:
    """You et al. 2017, algorithm 1; see optimizers_pytorch.LARS."""
    momentum, epsilon = float(hparams.get("momentum", 0.0)), float(hparams["epsilon"])
    coefficient = float(hparams["trust_coefficient"])
    velocities = zeros_like(weights, state)

    def trust_ratio(weight: tf.Tensor, gradient: tf.Tensor, decay: float) -> tf.Tensor:
        weight_norm, gradient_norm = tf.norm(weight), tf.norm(gradient)
        ratio = coefficient * weight_norm / (gradient_norm + decay * (weight_norm + epsilon / decay))
        return tf.where(tf.logical_and(weight_norm > 0.0, gradient_norm > 0.0), ratio, 1.0)

    def update(gradients: Sequence[tf.Tensor], rate: tf.Tensor) -> None:
        for weight, velocity, gradient, decay in zip(weights, velocities, gradients, decays):
            step = rate * gradient
            if decay:
                now = tf.convert_to_tensor(weight)
                step = rate * trust_ratio(now, gradient, decay) * (gradient + decay * now)
            velocity.assign(momentum * velocity + step)
            weight.assign_sub(velocity)

    return update


UPDATES: Dict[str, Callable[..., Update]] = {"sgd": sgd, "adamw": adamw, "rmsprop": rmsprop, "lars": lars}


def zeros_like(weights: Any, state: List[tf.Variable]) -> List[tf.Variable]:
    made = [tf.Variable(tf.zeros(weight.shape), trainable=False) for weight in weights]
    state.extend(made)
    return made


def clipped(gradients: Sequence[tf.Tensor], most: float) -> List[tf.Tensor]:
    """Gradients whose norm together is at most ``most`` (Pascanu et al. 2013), as torch.nn.utils.clip_grad_norm_."""
    factor = tf.minimum(most / (tf.linalg.global_norm(gradients) + 1e-6), 1.0)
    return [gradient * factor for gradient in gradients]


class Average:
    """An exponential moving average of all weights; see optimizers_pytorch.Average."""

    def __init__(self, model: tf.keras.Model, decay: float, every: int) -> None:
        self.every = every
        self.weights = [tf.Variable(tf.convert_to_tensor(weight), trainable=False) for weight in model.weights]
        self.copies = tf.Variable(True, trainable=False)
        self.state = [*self.weights, self.copies]

        @tf.function
        def blend(follow: tf.Tensor) -> None:
            share = tf.where(self.copies, 1.0, 1.0 - decay)
            for mean, weight in zip(self.weights, model.weights):
                now = tf.convert_to_tensor(weight)
                mean.assign(mean + share * (now - mean) if now.dtype.is_floating else now)
            self.copies.assign(follow)

        self.blend = blend

    def update(self, step: int, follow: bool) -> None:
        if step % self.every == 0:
            self.blend(tf.constant(follow))
