"""What the twins share: playing by a policy, and what they learn from it.  numpy alone."""

from __future__ import annotations

from typing import Any, Callable, Dict, NamedTuple, Tuple

import numpy

Policy = Callable[[numpy.ndarray], numpy.ndarray]  # observations [games, size] -> logits [games, actions]


class Rollout(NamedTuple):
    observations: numpy.ndarray  # float32 [steps + 1, games, size]: before each step, and after the last
    actions: numpy.ndarray  # int64 [steps, games]
    rewards: numpy.ndarray  # float32 [steps, games]
    ended: numpy.ndarray  # float32 [steps, games]: 1 where the step ended an episode

    def seen(self) -> Tuple[numpy.ndarray, numpy.ndarray]:
        """Observations [steps * games, size] and the actions taken there [steps * games]."""
        return self.observations[:-1].reshape(self.actions.size, -1), self.actions.reshape(-1)


class Minibatches(NamedTuple):
    """Each field [updates, minibatch, ...]: what a rollout teaches, in the order in which it is learnt."""

    observations: Any  # float32
    actions: Any  # int64
    log_probabilities: Any  # of these actions, when they were taken
    values: Any  # as they were estimated then
    advantages: Any  # of mean 0 and standard deviation 1 in each minibatch
    returns: Any  # what the values should have been


def play(games: Any, policy: Policy, steps: int, random: numpy.random.RandomState) -> Rollout:
    """Play ``steps`` steps of each game, with actions drawn from the softmax of the policy's logits.

    The largest of logits plus Gumbel noise is such a draw (Gumbel 1954), and costs one call of numpy.
    """
    count, size = games.observations.shape
    noise = random.gumbel(size=(steps, count, games.actions))
    observations = numpy.empty((steps + 1, count, size), numpy.float32)
    actions = numpy.empty((steps, count), numpy.int64)
    rewards, ended = numpy.empty((2, steps, count), numpy.float32)
    for step in range(steps):
        observations[step] = games.observations
        actions[step] = (policy(games.observations) + noise[step]).argmax(axis=1)
        rewards[step], ended[step] = games.step(actions[step].tolist())
    observations[steps] = games.observations
    return Rollout(observations, actions, rewards, ended)


def minibatches(
    rollout: Rollout,
    log_probabilities: numpy.ndarray,
    values: numpy.ndarray,
    hparams: Dict[str, Any],
    random: numpy.random.RandomState,
) -> Minibatches:
    """All of the rollout ``update_epochs`` times, each time in another order.

    ``log_probabilities`` [steps, games] are those of its actions, ``values`` [steps + 1, games] those of its
    observations.
    """
    gained = advantages(rollout, values, hparams["gamma"], hparams["gae_lambda"])
    orders = [random.permutation(gained.size) for _ in range(hparams["update_epochs"])]
    rows = numpy.concatenate(orders).reshape(-1, gained.size // hparams["num_minibatches"])
    observations, actions = rollout.seen()
    drawn = gained.reshape(-1)[rows]
    centred = drawn - drawn.mean(axis=1, keepdims=True)
    return Minibatches(
        observations=observations[rows],
        actions=actions[rows],
        log_probabilities=log_probabilities.reshape(-1)[rows],
        values=values[:-1].reshape(-1)[rows],
        advantages=centred / (drawn.std(axis=1, ddof=1, keepdims=True) + numpy.float32(1e-8)),
        returns=(gained + values[:-1]).reshape(-1)[rows],
    )


def advantages(rollout: Rollout, values: numpy.ndarray, gamma: float, gae_lambda: float) -> numpy.ndarray:
    """Generalised advantage estimation, float32 [steps, games]: Schulman et al. 2016, equation 16."""
    going_on = 1 - rollout.ended
    errors = rollout.rewards + numpy.float32(gamma) * values[1:] * going_on - values[:-1]
    decay = numpy.float32(gamma * gae_lambda) * going_on
    gained = numpy.empty_like(errors)
    later = numpy.zeros_like(errors[0])
    for step in reversed(range(len(errors))):
        gained[step] = later = errors[step] + decay[step] * later
    return gained


def learning_rate(update: int, hparams: Dict[str, Any]) -> float:
    """It falls linearly, to nothing after the last update."""
    updates = hparams["epochs"] * hparams["updates_per_epoch"]
    return float(hparams["learning_rate"] * (1 - update / updates))
