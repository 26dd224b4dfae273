"""Proximal policy optimisation in PyTorch: Schulman et al. 2017, as CleanRL's ppo.py does it."""

from __future__ import annotations

from typing import Any, Dict, Tuple

import numpy
import torch
from experience import Minibatches, Policy, Rollout, learning_rate, minibatches, play
from games import Games
from torch import nn
from torch.nn import functional


class Agent(nn.Module):
    """Two networks that share nothing: observations [n, size] -> logits [n, actions], and -> values [n, 1]."""

    def __init__(self, size: int, actions: int, hparams: Dict[str, Any]) -> None:
        super().__init__()
        hidden = hparams["hidden"]
        self.actor = network(size, hidden, actions, last_gain=0.01)
        self.critic = network(size, hidden, 1, last_gain=1.0)


def network(size: int, hidden: int, outputs: int, last_gain: float) -> nn.Sequential:
    return nn.Sequential(
        layer(size, hidden, 2**0.5),
        nn.Tanh(),
        layer(hidden, hidden, 2**0.5),
        nn.Tanh(),
        layer(hidden, outputs, last_gain),
    )


def layer(inputs: int, outputs: int, gain: float) -> nn.Linear:
    linear = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(linear.weight, gain)
    nn.init.zeros_(linear.bias)
    return linear


def build(size: int, actions: int, hparams: Dict[str, Any]) -> Agent:
    return Agent(size, actions, hparams)


def train(run: Any) -> None:
    hparams = run.hparams
    games = Games(hparams["env_id"], hparams["num_envs"], run.seed)
    agent = build(games.observations.shape[1], games.actions, hparams).to(run.device)
    run.weights("initial", agent)
    policy, optimizer = policy_of(agent), optimizer_of(agent, hparams)
    random = numpy.random.RandomState(run.seed)

    for epoch in run.epochs():
        first = epoch * hparams["updates_per_epoch"]
        for update in run.steps(range(first, first + hparams["updates_per_epoch"])):
            rollout = play(games, policy, hparams["num_steps"], random)
            run.saw_batch(*rollout.seen())
            batches = minibatches(rollout, *looked_back(agent, rollout), hparams, random)
            run.loss(learn(agent, optimizer, batches, learning_rate(update, hparams), hparams))
        run.metric("episodic_return", games.recent_return())
    run.weights("final", agent)


def policy_of(agent: Agent) -> Policy:
    """The actor alone: values and probabilities of a rollout are asked for at its end, all at once."""
    device = next(agent.parameters()).device

    @torch.inference_mode()
    def policy(observations: numpy.ndarray) -> numpy.ndarray:
        return agent.actor(torch.from_numpy(observations).to(device)).cpu().numpy()

    return policy


@torch.inference_mode()
def looked_back(agent: Agent, rollout: Rollout) -> Tuple[numpy.ndarray, numpy.ndarray]:
    """Log-probabilities [steps, games] of the actions, values [steps + 1, games] of the observations."""
    observations, actions = tensors(agent, rollout.observations, rollout.actions)
    log_probabilities = log_probabilities_of(functional.log_softmax(agent.actor(observations[:-1]), dim=-1), actions)
    return log_probabilities.cpu().numpy(), agent.critic(observations).squeeze(-1).cpu().numpy()


def learn(
    agent: Agent, optimizer: torch.optim.Optimizer, batches: Minibatches, rate: float, hparams: Dict[str, Any]
) -> torch.Tensor:
    """One update a minibatch; their mean loss, detached."""
    optimizer.param_groups[0]["lr"] = rate
    losses = []
    for batch in zip(*tensors(agent, *batches)):
        optimizer.zero_grad(set_to_none=True)
        loss = objective(agent, Minibatches(*batch), hparams)
        loss.backward()
        nn.utils.clip_grad_norm_(agent.parameters(), hparams["max_grad_norm"])
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses).mean()


def objective(agent: Agent, batch: Minibatches, hparams: Dict[str, Any]) -> torch.Tensor:
    """Schulman et al. 2017, equation 9, to be made small; the value may move no further than the ratio may."""
    clip = hparams["clip_coef"]
    log_policy = functional.log_softmax(agent.actor(batch.observations), dim=1)
    ratios = (log_probabilities_of(log_policy, batch.actions) - batch.log_probabilities).exp()
    gains = torch.min(ratios * batch.advantages, ratios.clamp(1 - clip, 1 + clip) * batch.advantages)
    values = agent.critic(batch.observations).squeeze(1)
    clipped = batch.values + (values - batch.values).clamp(-clip, clip)
    errors = torch.max((values - batch.returns) ** 2, (clipped - batch.returns) ** 2)
    entropies = -(log_policy.exp() * log_policy).sum(dim=1)
    return hparams["vf_coef"] * 0.5 * errors.mean() - gains.mean() - hparams["ent_coef"] * entropies.mean()


def log_probabilities_of(log_policy: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
    """[..., actions] at the actions [...]."""
    return log_policy.gather(-1, actions.unsqueeze(-1)).squeeze(-1)


def optimizer_of(agent: Agent, hparams: Dict[str, Any]) -> torch.optim.Adam:
    """``fused``: one call for all twelve arrays, which are small; on a CPU since PyTorch 2.4."""
    return torch.optim.Adam(agent.parameters(), lr=hparams["learning_rate"], eps=hparams["epsilon"], fused=True)


def tensors(agent: Agent, *arrays: numpy.ndarray) -> Tuple[torch.Tensor, ...]:
    """On the agent's device."""
    device = next(agent.parameters()).device
    return tuple(torch.from_numpy(array).to(device) for array in arrays)
