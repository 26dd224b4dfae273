"""Proximal policy optimisation in TensorFlow: the twin of pytorch.py."""

from __future__ import annotations

from typing import Any, Callable, Dict, Tuple

import numpy
import tensorflow as tf
from experience import Minibatches, Policy, Rollout, learning_rate, minibatches, play
from games import Games

BETA1, BETA2 = 0.9, 0.999  # of Adam, PyTorch's default


def build(size: int, actions: int, hparams: Dict[str, Any]) -> tf.keras.Model:
    """Two networks that share nothing: observations [n, size] -> logits [n, actions] and values [n, 1]."""
    observations = tf.keras.Input((size,))
    logits = network(observations, "actor", hparams["hidden"], actions, last_gain=0.01)
    values = network(observations, "critic", hparams["hidden"], 1, last_gain=1.0)
    return tf.keras.Model(observations, [logits, values])


def network(x: Any, name: str, hidden: int, outputs: int, last_gain: float) -> Any:
    x = layer(hidden, 2**0.5, name + ".0", "tanh")(x)
    x = layer(hidden, 2**0.5, name + ".2", "tanh")(x)
    return layer(outputs, last_gain, name + ".4", None)(x)


def layer(outputs: int, gain: float, name: str, activation: Any) -> tf.keras.layers.Dense:
    orthogonal = tf.keras.initializers.Orthogonal(gain)
    return tf.keras.layers.Dense(outputs, activation, kernel_initializer=orthogonal, name=name)


def train(run: Any) -> None:
    hparams = run.hparams
    games = Games(hparams["env_id"], hparams["num_envs"], run.seed)
    agent = build(games.observations.shape[1], games.actions, hparams)
    run.weights("initial", agent)
    policy, looked_back = make_policy(agent, hparams), make_looked_back(agent, hparams)
    learn = make_learn(agent, hparams)
    random = numpy.random.RandomState(run.seed)

    for epoch in run.epochs():
        first = epoch * hparams["updates_per_epoch"]
        for update in run.steps(range(first, first + hparams["updates_per_epoch"])):
            rollout = play(games, policy, hparams["num_steps"], random)
            run.saw_batch(*rollout.seen())
            batches = minibatches(rollout, *looked_back(rollout), hparams, random)
            run.loss(learn(batches, update, learning_rate(update, hparams)))
        run.metric("episodic_return", games.recent_return())
    run.weights("final", agent)


def make_policy(agent: tf.keras.Model, hparams: Dict[str, Any]) -> Policy:
    """The actor alone: values and probabilities of a rollout are asked for at its end, all at once."""
    seen = tf.TensorSpec((hparams["num_envs"], agent.inputs[0].shape[1]), tf.float32)
    logits = tf.function(lambda observations: agent(observations)[0]).get_concrete_function(seen)

    def policy(observations: numpy.ndarray) -> numpy.ndarray:
        return logits(tf.constant(observations)).numpy()

    return policy


def make_looked_back(
    agent: tf.keras.Model, hparams: Dict[str, Any]
) -> Callable[[Rollout], Tuple[numpy.ndarray, numpy.ndarray]]:
    """From a rollout to log-probabilities [steps, games] of its actions and values [steps + 1, games]."""
    steps, count, size = hparams["num_steps"], hparams["num_envs"], agent.inputs[0].shape[1]

    @tf.function(
        input_signature=[
            tf.TensorSpec((steps + 1, count, size), tf.float32),
            tf.TensorSpec((steps, count), tf.int64),
        ]
    )
    def look_back(observations: tf.Tensor, actions: tf.Tensor) -> Tuple[tf.Tensor, tf.Tensor]:
        logits, values = agent(tf.reshape(observations, (-1, size)))
        logits = tf.reshape(logits, (steps + 1, count, -1))[:-1]
        return log_probabilities_of(logits, actions), tf.reshape(values, (steps + 1, count))

    def looked_back(rollout: Rollout) -> Tuple[numpy.ndarray, numpy.ndarray]:
        log_probabilities, values = look_back(tf.constant(rollout.observations), tf.constant(rollout.actions))
        return log_probabilities.numpy(), values.numpy()

    return looked_back


def make_learn(agent: tf.keras.Model, hparams: Dict[str, Any]) -> Callable[[Minibatches, int, float], tf.Tensor]:
    """From minibatches, the number of rollouts before and the rate to one update a minibatch; their mean loss.

    Adam as PyTorch does it: epsilon is added after the correction of the deviation, Keras adds it before.
    """
    weights = agent.trainable_variables
    means = [tf.Variable(tf.zeros(weight.shape), trainable=False) for weight in weights]
    squares = [tf.Variable(tf.zeros(weight.shape), trainable=False) for weight in weights]
    updates = hparams["update_epochs"] * hparams["num_minibatches"]
    shape = (updates, hparams["num_steps"] * hparams["num_envs"] // hparams["num_minibatches"])
    numbers = tf.TensorSpec(shape, tf.float32)
    observations = tf.TensorSpec((*shape, agent.inputs[0].shape[1]), tf.float32)
    batches_spec = Minibatches(observations, tf.TensorSpec(shape, tf.int64), numbers, numbers, numbers, numbers)

    @tf.function(input_signature=[batches_spec, tf.TensorSpec((updates, 2), tf.float32)])
    def all_updates(batches: Minibatches, corrections: tf.Tensor) -> tf.Tensor:
        total = tf.constant(0.0)
        for number in tf.range(updates):
            batch = Minibatches(*(field[number] for field in batches))
            total += update(batch, corrections[number, 0], corrections[number, 1])
        return total / updates

    def update(batch: Minibatches, step_size: tf.Tensor, deviation: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = objective(agent, batch, hparams)
        gradients = tape.gradient(loss, weights)
        scale = tf.minimum(1.0, hparams["max_grad_norm"] / (tf.linalg.global_norm(gradients) + 1e-6))
        for weight, mean, square, gradient in zip(weights, means, squares, gradients):
            clipped = scale * gradient
            mean.assign(BETA1 * mean + (1 - BETA1) * clipped)
            square.assign(BETA2 * square + (1 - BETA2) * tf.square(clipped))
            weight.assign(weight - step_size * mean / (tf.sqrt(square) / deviation + hparams["epsilon"]))
        return loss

    def learn(batches: Minibatches, rollouts: int, rate: float) -> tf.Tensor:
        number = 1.0 + rollouts * updates + numpy.arange(updates)  # of each update, the first is 1
        corrections = numpy.stack([rate / (1 - BETA1**number), numpy.sqrt(1 - BETA2**number)], axis=1)
        return all_updates(Minibatches(*map(tf.constant, batches)), tf.constant(corrections, tf.float32))

    return learn


def objective(agent: tf.keras.Model, batch: Minibatches, hparams: Dict[str, Any]) -> tf.Tensor:
    """Schulman et al. 2017, equation 9, to be made small; the value may move no further than the ratio may."""
    clip = hparams["clip_coef"]
    logits, values = agent(batch.observations)
    ratios = tf.exp(log_probabilities_of(logits, batch.actions) - batch.log_probabilities)
    gains = tf.minimum(ratios * batch.advantages, tf.clip_by_value(ratios, 1 - clip, 1 + clip) * batch.advantages)
    values = tf.squeeze(values, 1)
    clipped = batch.values + tf.clip_by_value(values - batch.values, -clip, clip)
    errors = tf.maximum(tf.square(values - batch.returns), tf.square(clipped - batch.returns))
    entropies = -tf.reduce_sum(tf.nn.softmax(logits) * tf.nn.log_softmax(logits), axis=1)
    return (
        hparams["vf_coef"] * 0.5 * tf.reduce_mean(errors)
        - tf.reduce_mean(gains)
        - hparams["ent_coef"] * tf.reduce_mean(entropies)
    )


def log_probabilities_of(logits: tf.Tensor, actions: tf.Tensor) -> tf.Tensor:
    """Of the actions [...], where the logits are [..., actions]."""
    return -tf.nn.sparse_softmax_cross_entropy_with_logits(actions, logits)
