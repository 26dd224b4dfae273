"""Proximal policy optimisation in a plain PyTorch loop, in the order of CleanRL's ppo.py and without its logging."""

from __future__ import annotations

import gymnasium
import numpy
import torch
from torch import nn
from torch.distributions.categorical import Categorical

from benchmarks.public.task import Task, read_task
from benchmarks.public.theirs.playing import advantages, learning_rate, makers


def main() -> None:
    task = read_task()
    torch.set_num_threads(task.threads)
    torch.manual_seed(task.seed)
    hparams = task.hparams
    games = gymnasium.vector.SyncVectorEnv(makers(task))
    steps, count = hparams["num_steps"], hparams["num_envs"]
    size, choices = games.single_observation_space.shape[0], games.single_action_space.n
    actor, critic = network(size, choices, 0.01), network(size, 1, 1.0)
    parameters = [*actor.parameters(), *critic.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=hparams["learning_rate"], eps=hparams["epsilon"])
    observations = torch.zeros(steps, count, size)
    actions, log_probabilities, rewards, ended, values = torch.zeros(5, steps, count)
    now, now_ended = torch.tensor(games.reset(seed=task.seed)[0]), torch.zeros(count)

    for epoch in task.turns(f"plain loop, PyTorch {torch.__version__}").epochs():
        for update in range(hparams["updates_per_epoch"]):
            optimizer.param_groups[0]["lr"] = learning_rate(task, epoch, update)
            for step in range(steps):
                observations[step], ended[step] = now, now_ended
                with torch.no_grad():
                    policy = Categorical(logits=actor(now))
                    action = policy.sample()
                    values[step] = critic(now).flatten()
                actions[step], log_probabilities[step] = action, policy.log_prob(action)
                after, reward, terminated, truncated, _ = games.step(action.numpy())
                rewards[step] = torch.tensor(reward)
                now = torch.tensor(after)
                now_ended = torch.tensor(numpy.logical_or(terminated, truncated), dtype=torch.float32)
            with torch.no_grad():
                gained = torch.stack(advantages(rewards, values, ended, critic(now).flatten(), now_ended, task))
            rollout = (
                observations.reshape(-1, size),
                *(each.reshape(-1) for each in (actions, log_probabilities, values, gained, gained + values)),
            )
            for _ in range(hparams["update_epochs"]):
                for rows in torch.randperm(steps * count).chunk(hparams["num_minibatches"]):
                    loss = objective(actor, critic, [each[rows] for each in rollout], task)
                    optimizer.zero_grad()
                    loss.backward()
                    nn.utils.clip_grad_norm_(parameters, hparams["max_grad_norm"])
                    optimizer.step()


def network(size: int, outputs: int, last_gain: float) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, width, gain in ((size, 64, 2**0.5), (64, 64, 2**0.5), (64, outputs, last_gain)):
        layers += [nn.Linear(inputs, width), nn.Tanh()]
        nn.init.orthogonal_(layers[-2].weight, gain)
        nn.init.zeros_(layers[-2].bias)
    return nn.Sequential(*layers[:-1])


def objective(actor: nn.Module, critic: nn.Module, batch: list[torch.Tensor], task: Task) -> torch.Tensor:
    clip = task.hparams["clip_coef"]
    observations, actions, log_probabilities, values, gained, returns = batch
    policy = Categorical(logits=actor(observations))
    ratio = (policy.log_prob(actions) - log_probabilities).exp()
    gained = (gained - gained.mean()) / (gained.std() + 1e-8)
    lost = torch.max(-gained * ratio, -gained * ratio.clamp(1 - clip, 1 + clip)).mean()
    estimated = critic(observations).view(-1)
    clipped = values + (estimated - values).clamp(-clip, clip)
    errors = 0.5 * torch.max((estimated - returns) ** 2, (clipped - returns) ** 2).mean()
    entropy = policy.entropy().mean()
    loss: torch.Tensor = lost - task.hparams["ent_coef"] * entropy + task.hparams["vf_coef"] * errors
    return loss


if __name__ == "__main__":
    main()
