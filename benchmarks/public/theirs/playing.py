"""What the loops of PPO do alike, whatever the framework."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium

from benchmarks.public.task import Task


def makers(task: Task) -> list[Callable[[], gymnasium.Env]]:
    """Of the games side by side.  The checker asks for numpy.bool8, which NumPy 2.0 took away."""
    return [lambda: gymnasium.make(task.hparams["env_id"], disable_env_checker=True)] * task.hparams["num_envs"]


def learning_rate(task: Task, epoch: int, update: int) -> float:
    """It falls linearly over the recipe's epochs."""
    done = (epoch + update / task.hparams["updates_per_epoch"]) / task.hparams["epochs"]
    return float(task.hparams["learning_rate"] * (1 - done))


def advantages(rewards: Any, values: Any, ended: Any, last_value: Any, last_ended: Any, task: Task) -> list[Any]:
    """Generalised advantage estimation, [games] of each step; of a framework's tensors or of numpy's arrays."""
    gamma, decay = task.hparams["gamma"], task.hparams["gamma"] * task.hparams["gae_lambda"]
    gained: list[Any] = []
    later = 0.0
    for step in reversed(range(len(rewards))):
        going_on = 1 - last_ended
        later = rewards[step] + gamma * last_value * going_on - values[step] + decay * going_on * later
        gained.append(later)
        last_ended, last_value = ended[step], values[step]
    return gained[::-1]
