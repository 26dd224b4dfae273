"""Run in a framework's environment, REPOSITORY FOLDER FRAMEWORK: ppo from weights that are the same in both.

Saves what the first updates are made of; prints the number of parameters of each recipe, what the games did, and
the course of a short training on the real CartPole, made twice.
"""

from __future__ import annotations

import json
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy

repository, folder, framework = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
sys.path[:0] = [str(repository), str(repository / "models" / "ppo")]

from harness.wire import MODEL_FILES  # noqa: E402
from harness.wire.job import WorkerJob  # noqa: E402
from harness.worker.run import Run  # noqa: E402

FILE = MODEL_FILES[framework][:-3]
side: Any = import_module("harness.worker.frameworks." + FILE)
ppo: Any = import_module(FILE)
experience: Any = import_module("experience")
games_module: Any = import_module("games")
RECIPES = tomllib.loads((repository / "models" / "ppo" / "model.toml").read_text())["recipes"]
SIZES = {"cartpole": (4, 2), "acrobot": (6, 3)}
THREE_UPDATES = {"num_envs": 3, "num_steps": 64, "update_epochs": 1, "num_minibatches": 3}
SHORT = {"epochs": 4, "updates_per_epoch": 6}
STEPS = 300  # in which an untrained CartPole falls a dozen times


def job(**changed: float) -> WorkerJob:
    return WorkerJob(
        protocol=1,
        id="ppo",
        model="ppo",
        recipe="cartpole",
        framework=framework,
        environment="",
        seed=3,
        mode="train",
        device="cpu",
        threads=1,
        deterministic=True,
        hyperparameters={**RECIPES["cartpole"]["hyperparameters"], **changed},
        metrics={"episodic_return": "return"},
        flops_per_sample=None,
        data=None,
    )


def set_seed(seed: int) -> None:
    if framework == "torch":
        import_module("torch").manual_seed(seed)
    else:
        import_module("tensorflow").keras.utils.set_random_seed(seed)


def weights_of(agent: Any) -> dict[str, numpy.ndarray]:
    """By PyTorch's names, a matrix as inputs x outputs."""
    if framework == "torch":
        return {name: array.detach().numpy().copy().T for name, array in agent.named_parameters()}
    return {
        f"{layer.name}.{part}": array
        for layer in agent.layers
        for part, array in zip(("weight", "bias"), layer.get_weights(), strict=False)
    }


def set_weights(agent: Any, arrays: dict[str, numpy.ndarray]) -> None:
    if framework == "torch":
        for name, parameter in agent.named_parameters():
            parameter.data.copy_(import_module("torch").tensor(arrays[name].T))
        return
    for layer in agent.layers:
        if layer.weights:
            layer.set_weights([arrays[f"{layer.name}.weight"], arrays[f"{layer.name}.bias"]])


def first_gradients(agent: Any, batch: Any, hparams: dict[str, Any]) -> dict[str, numpy.ndarray]:
    if framework == "torch":
        ppo.objective(agent, experience.Minibatches(*ppo.tensors(agent, *batch)), hparams).backward()
        return {name: parameter.grad.numpy().copy().T for name, parameter in agent.named_parameters()}
    tf: Any = import_module("tensorflow")
    with tf.GradientTape() as tape:
        loss = ppo.objective(agent, experience.Minibatches(*map(tf.constant, batch)), hparams)
    found = tape.gradient(loss, agent.trainable_variables)
    gradients = dict(zip([id(variable) for variable in agent.trainable_variables], found, strict=True))
    return {
        f"{layer.name}.{part}": gradients[id(variable)].numpy()
        for layer in agent.layers
        for part, variable in zip(("weight", "bias"), layer.trainable_variables, strict=False)
    }


def from_the_same_weights() -> dict[str, numpy.ndarray]:
    hparams = job(**THREE_UPDATES).hyperparameters
    random = numpy.random.RandomState(5)
    agent = ppo.build(*SIZES["cartpole"], hparams)
    before = {
        name: random.uniform(-0.5, 0.5, array.shape).astype(numpy.float32)
        for name, array in sorted(weights_of(agent).items())
    }
    set_weights(agent, before)
    games = games_module.Games("CartPole-v1", hparams["num_envs"], seed=1)
    if framework == "torch":
        policy, optimizer = ppo.policy_of(agent), ppo.optimizer_of(agent, hparams)
    else:
        policy, learn = ppo.make_policy(agent, hparams), ppo.make_learn(agent, hparams)
    rollout = experience.play(games, policy, hparams["num_steps"], random)
    looked_back = (
        ppo.looked_back(agent, rollout) if framework == "torch" else ppo.make_looked_back(agent, hparams)(rollout)
    )
    batches = experience.minibatches(rollout, *looked_back, hparams, random)
    # Far from what was played, so that ratios and values are clipped.
    batches = batches._replace(log_probabilities=batches.log_probabilities + random.normal(0, 0.3, (3, 64)))
    batches = experience.Minibatches(
        *(field if field.dtype == numpy.int64 else field.astype(numpy.float32) for field in batches)
    )
    first = experience.Minibatches(*(field[0] for field in batches))
    saved = {"observations": rollout.observations, "actions": rollout.actions}
    saved |= {"log_probabilities": looked_back[0], "values": looked_back[1], "advantages": batches.advantages}
    saved |= {f"gradient {name}": array for name, array in first_gradients(agent, first, hparams).items()}
    loss = learn(batches, 0, 1e-3) if framework == "tensorflow" else ppo.learn(agent, optimizer, batches, 1e-3, hparams)
    saved["loss"] = numpy.array(float(loss))
    return saved | {f"move {name}": array - before[name] for name, array in weights_of(agent).items()}


def as_gymnasium_plays() -> bool:
    """Whether our games do what Gymnasium 0.29's own vector environment does, given the same actions."""
    gymnasium: Any = import_module("gymnasium")
    same = True
    for env_id in ("CartPole-v1", "Acrobot-v1"):
        make = [lambda env_id=env_id: gymnasium.make(env_id, disable_env_checker=True)] * 3
        theirs, ours = gymnasium.vector.SyncVectorEnv(make), games_module.Games(env_id, 3, seed=7)
        observations, _ = theirs.reset(seed=7)
        same &= bool((observations == ours.observations).all())
        for action in numpy.random.RandomState(0).randint(0, ours.actions, (STEPS, 3)):
            observations, rewards, terminated, truncated, _ = theirs.step(action)
            found = ours.step(action.tolist())
            same &= bool((observations == ours.observations).all()) and found[0] == rewards.tolist()
            same &= found[1] == (terminated | truncated).tolist()
    return same


def played() -> dict[str, Any]:
    games = games_module.Games("CartPole-v1", 2, seed=0)
    starts = []
    for _ in range(STEPS):
        _, ended = games.step([1, 1])
        starts += [abs(games.observations[place]).max() for place in range(2) if ended[place]]
    return {
        "as Gymnasium": as_gymnasium_plays(),
        "furthest start": float(max(starts)),
        "episodes": [len(starts), len(games.returns)],
        "steps": [2 * STEPS, int(sum(games.returns) + sum(games._so_far))],
    }


def short_training() -> dict[str, Any]:
    told: list[tuple[str, dict[str, Any]]] = []
    work = job(**SHORT)
    set_seed(work.seed)
    run = Run(work, side, lambda kind, **fields: told.append((kind, fields)), None, "cpu")  # type: ignore[arg-type]
    ppo.train(run)
    run.finish()
    return {
        "samples": [fields["samples"] for kind, fields in told if kind == "epoch_stop"],
        "returns": [fields["value"] for kind, fields in told if kind == "eval_accuracy"],
        "weights": [fields["sha256"] for kind, fields in told if kind == "weights"],
        "first batches": [fields["sha256"] for kind, fields in told if kind == "first_batches"],
    }


def main() -> None:
    side.prepare(job())
    parameters = {
        name: side.named_arrays(ppo.build(*sizes, RECIPES[name]["hyperparameters"]))[1] for name, sizes in SIZES.items()
    }
    numpy.savez(folder / f"{framework}.npz", **from_the_same_weights())  # type: ignore[arg-type]
    trainings = [short_training() for _ in range(2)]
    told = {"parameters": parameters, "games": played(), "trainings": trainings}
    sys.stdout.write(json.dumps(told))


main()
