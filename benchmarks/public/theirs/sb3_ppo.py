"""Proximal policy optimisation by Stable-Baselines3, with the recipe's settings in its names."""

from __future__ import annotations

import stable_baselines3
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv

from benchmarks.public.task import read_task
from benchmarks.public.theirs.playing import makers
from benchmarks.public.turns import Turns


class InTurns(BaseCallback):
    """An epoch is ``updates_per_epoch`` rollouts and what is learnt of them."""

    def __init__(self, turns: Turns, rollouts: int) -> None:
        super().__init__()
        self._turns, self._rollouts, self._done = turns, rollouts, 0

    def _on_rollout_start(self) -> None:
        if self._done % self._rollouts == 0:
            self._turns.epoch_starts()
        self._done += 1

    def _on_step(self) -> bool:
        return True


def main() -> None:
    task = read_task()
    torch.set_num_threads(task.threads)
    hparams = task.hparams
    name = f"Stable-Baselines3 {stable_baselines3.__version__}, PyTorch {torch.__version__}"
    PPO(
        "MlpPolicy",
        DummyVecEnv(makers(task)),
        learning_rate=lambda left: left * hparams["learning_rate"],
        n_steps=hparams["num_steps"],
        batch_size=hparams["num_steps"] * hparams["num_envs"] // hparams["num_minibatches"],
        n_epochs=hparams["update_epochs"],
        gamma=hparams["gamma"],
        gae_lambda=hparams["gae_lambda"],
        clip_range=hparams["clip_coef"],
        clip_range_vf=hparams["clip_coef"],
        ent_coef=hparams["ent_coef"],
        vf_coef=hparams["vf_coef"],
        max_grad_norm=hparams["max_grad_norm"],
        policy_kwargs={"net_arch": [hparams["hidden"]] * 2, "optimizer_kwargs": {"eps": hparams["epsilon"]}},
        seed=task.seed,
        device="cpu",
    ).learn(10**9, callback=InTurns(task.turns(name), hparams["updates_per_epoch"]), log_interval=10**9)


if __name__ == "__main__":
    main()
