"""Proximal policy optimisation in a plain TensorFlow loop, in the order of CleanRL's ppo.py: a call of a graph for
each step of the games, one for what a rollout was worth, and one for each minibatch."""

from __future__ import annotations

from typing import Any

import gymnasium
import keras
import numpy
import tensorflow as tf

from benchmarks.public.task import Task, read_task
from benchmarks.public.theirs.fitting import prepare
from benchmarks.public.theirs.playing import advantages, learning_rate, makers


def main() -> None:
    task = read_task()
    prepare(task)
    hparams = task.hparams
    games = gymnasium.vector.SyncVectorEnv(makers(task))
    steps, count = hparams["num_steps"], hparams["num_envs"]
    size = games.single_observation_space.shape[0]
    actor, critic = network(size, int(games.single_action_space.n), 0.01), network(size, 1, 1.0)
    weights = [*actor.trainable_variables, *critic.trainable_variables]
    optimizer = keras.optimizers.Adam(
        hparams["learning_rate"], epsilon=hparams["epsilon"], global_clipnorm=hparams["max_grad_norm"]
    )
    optimizer.build(weights)

    @tf.function
    def act(observations: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        logits = actor(observations)
        actions = tf.squeeze(tf.random.categorical(logits, 1), 1)
        return actions, log_probabilities_of(logits, actions), tf.squeeze(critic(observations), 1)

    @tf.function
    def train_step(*batch: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            loss = objective(actor, critic, batch, task)
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))

    observations = numpy.zeros((steps, count, size), numpy.float32)
    actions = numpy.zeros((steps, count), numpy.int64)
    log_probabilities, rewards, ended, values = numpy.zeros((4, steps, count), numpy.float32)
    now, now_ended = games.reset(seed=task.seed)[0], numpy.zeros(count, numpy.float32)
    random = numpy.random.RandomState(task.seed)

    for epoch in task.turns(f"a step a call, TensorFlow {tf.__version__}").epochs():
        for update in range(hparams["updates_per_epoch"]):
            optimizer.learning_rate = learning_rate(task, epoch, update)
            for step in range(steps):
                observations[step], ended[step] = now, now_ended
                action, log_probability, value = act(tf.constant(now))
                actions[step], log_probabilities[step], values[step] = action, log_probability, value
                now, rewards[step], terminated, truncated, _ = games.step(action.numpy())
                now_ended = numpy.logical_or(terminated, truncated).astype(numpy.float32)
            last_value = act(tf.constant(now))[2].numpy()
            gained = numpy.stack(advantages(rewards, values, ended, last_value, now_ended, task))
            fields = (actions, log_probabilities, values, gained, gained + values)
            rollout = (observations.reshape(-1, size), *(field.reshape(-1) for field in fields))
            for _ in range(hparams["update_epochs"]):
                for rows in numpy.split(random.permutation(steps * count), hparams["num_minibatches"]):
                    train_step(*(tf.constant(field[rows]) for field in rollout))


def network(size: int, outputs: int, last_gain: float) -> keras.Model:
    layers = [
        keras.layers.Dense(width, activation, kernel_initializer=keras.initializers.Orthogonal(gain))
        for width, activation, gain in ((64, "tanh", 2**0.5), (64, "tanh", 2**0.5), (outputs, None, last_gain))
    ]
    return keras.Sequential([keras.Input((size,)), *layers])


def log_probabilities_of(logits: tf.Tensor, actions: tf.Tensor) -> tf.Tensor:
    return -tf.nn.sparse_softmax_cross_entropy_with_logits(actions, logits)


def objective(actor: keras.Model, critic: keras.Model, batch: tuple[tf.Tensor, ...], task: Task) -> Any:
    clip = task.hparams["clip_coef"]
    observations, actions, log_probabilities, values, gained, returns = batch
    logits = actor(observations)
    ratio = tf.exp(log_probabilities_of(logits, actions) - log_probabilities)
    gained = (gained - tf.reduce_mean(gained)) / (tf.math.reduce_std(gained) + 1e-8)
    lost = tf.reduce_mean(tf.maximum(-gained * ratio, -gained * tf.clip_by_value(ratio, 1 - clip, 1 + clip)))
    estimated = tf.squeeze(critic(observations), 1)
    clipped = values + tf.clip_by_value(estimated - values, -clip, clip)
    errors = 0.5 * tf.reduce_mean(tf.maximum((estimated - returns) ** 2, (clipped - returns) ** 2))
    entropy = -tf.reduce_mean(tf.reduce_sum(tf.nn.softmax(logits) * tf.nn.log_softmax(logits), axis=1))
    return lost - task.hparams["ent_coef"] * entropy + task.hparams["vf_coef"] * errors


if __name__ == "__main__":
    main()
