"""Several copies of one Gymnasium environment that are played side by side."""

from __future__ import annotations

from typing import List, Tuple

import gymnasium
import numpy

if not hasattr(numpy, "float_"):  # Gymnasium 0.29.1's Acrobot still asks for the name that NumPy 2.0 took away
    numpy.float_ = numpy.float64  # type: ignore[attr-defined]

LAST_EPISODES = 100  # openrlbenchmark's rlops.py, metric_last_n_average_window


class Games:
    """One that ends starts anew in the same step, as in Gymnasium 0.29's SyncVectorEnv, without its copies and notes.

    That of Gymnasium 1.x starts anew a step later, which would be learnt from as a step that leads from the
    end of one episode to the beginning of another.
    """

    def __init__(self, env_id: str, count: int, seed: int) -> None:
        # The checker asks for numpy.bool8, which NumPy 2.0 took away.
        self._games = [gymnasium.make(env_id, disable_env_checker=True) for _ in range(count)]
        self.observations = numpy.stack([game.reset(seed=seed + place)[0] for place, game in enumerate(self._games)])
        self.actions = int(self._games[0].action_space.n)
        self.returns: List[float] = []  # of every episode that ended, in that order
        self._so_far = [0.0] * count

    def step(self, actions: List[int]) -> Tuple[List[float], List[bool]]:
        """Play one action in each; its reward, and whether it ended the episode.  ``observations`` are those after it.

        An episode whose time ran out has ended like any other: so it has in CleanRL's ppo.py.
        """
        rewards, ended = [], []
        for place, (game, action) in enumerate(zip(self._games, actions)):
            observation, reward, terminated, truncated, _ = game.step(action)
            rewards.append(reward)
            ended.append(terminated or truncated)
            self._so_far[place] += reward
            if terminated or truncated:
                self.returns.append(self._so_far[place])
                self._so_far[place] = 0.0
                observation, _ = game.reset()
            self.observations[place] = observation
        return rewards, ended

    def recent_return(self) -> float:
        """The mean return of the last hundred episodes that ended."""
        return float(numpy.mean(self.returns[-LAST_EPISODES:]))
