"""ppo: sizes by hand, twins that agree, games as Gymnasium plays them, a training that learns."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy
import pytest

from tests.conftest import REPOSITORY
from tests.models.asking import answer_of

FRAMEWORKS = ("torch", "tensorflow")
# Inputs, two hidden layers of 64, outputs; the actor has an output for each action, the critic one.
PARAMETERS = {
    name: sum(size * 64 + 64 + 64 * 64 + 64 + 64 * outputs + outputs for outputs in (actions, 1))
    for name, size, actions in (("cartpole", 4, 2), ("acrobot", 6, 3))
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ppo")


@pytest.fixture(scope="module")
def told(environment_python: Callable[[str], Path], folder: Path) -> dict[str, dict[str, Any]]:
    environments = dict(zip(FRAMEWORKS, ("torch-2.13", "tf-2.21"), strict=True))
    return {name: probe(environment_python(environment), name, folder) for name, environment in environments.items()}


def probe(python: Path, framework: str, folder: Path) -> dict[str, Any]:
    script = Path(__file__).with_name("probe_ppo.py")
    found: dict[str, Any] = answer_of(python, str(script), str(REPOSITORY), str(folder), framework)
    return found


@pytest.fixture
def experience(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """What the twins share, imported as the worker does: from the model's folder."""
    monkeypatch.syspath_prepend(str(REPOSITORY / "models" / "ppo"))
    monkeypatch.delitem(sys.modules, "experience", raising=False)
    return import_module("experience")


def test_both_have_as_many_parameters_as_counted_by_hand(told: dict[str, dict[str, Any]]) -> None:
    assert PARAMETERS["cartpole"] == 9_155
    assert [told[framework]["parameters"] for framework in FRAMEWORKS] == [PARAMETERS] * 2


def test_the_twins_agree_from_the_same_weights(told: dict[str, dict[str, Any]], folder: Path) -> None:
    assert told
    with numpy.load(folder / "torch.npz") as ours, numpy.load(folder / "tensorflow.npz") as theirs:
        assert sorted(ours) == sorted(theirs)
        assert (ours["actions"] == theirs["actions"]).all()
        assert (ours["observations"] == theirs["observations"]).all()
        apart = {name: float(abs(ours[name] - theirs[name]).max() / abs(ours[name]).max()) for name in ours}
    for name in ("log_probabilities", "values", "advantages", "loss"):
        assert apart[name] <= 1e-5, apart
    assert all(apart[name] <= 1e-4 for name in apart if name.startswith("gradient")), apart
    # Adam divides by the gradient's size, so that the small ones, of which rounding is a larger share, move as far.
    assert all(apart[name] <= 0.01 for name in apart if name.startswith("move")), apart


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_games_are_played_as_gymnasium_plays_them(told: dict[str, dict[str, Any]], framework: str) -> None:
    games = told[framework]["games"]
    assert games["as Gymnasium"]
    assert games["furthest start"] <= 0.05  # CartPole starts within it: no observation of an end comes through
    assert games["episodes"][0] == games["episodes"][1] > 10
    assert games["steps"][0] == games["steps"][1]  # a point for each step: none is lost between episodes


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_short_training_learns_to_balance(told: dict[str, dict[str, Any]], framework: str) -> None:
    training = told[framework]["trainings"][0]
    assert training["samples"] == [6 * 4 * 128] * 4
    assert training["returns"][-1] > 1.5 * training["returns"][0]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_same_seed_ends_in_the_same_weights(told: dict[str, dict[str, Any]], framework: str) -> None:
    first, second = told[framework]["trainings"]
    assert first == second
    assert len(set(first["weights"])) == 2


def rollout_of(experience: ModuleType, rewards: list[float], ended: list[float]) -> Any:
    """Of one game, whose observations do not matter."""
    steps = len(rewards)
    observations = numpy.arange(steps + 1, dtype=numpy.float32).reshape(steps + 1, 1, 1)
    columns = (numpy.array(each, numpy.float32).reshape(steps, 1) for each in (rewards, ended))
    return experience.Rollout(observations, numpy.zeros((steps, 1), numpy.int64), *columns)


def test_advantages_are_those_computed_by_hand(experience: ModuleType) -> None:
    rollout = rollout_of(experience, rewards=[1, 2, 3], ended=[0, 1, 0])
    values = numpy.array([[1], [2], [4], [8]], numpy.float32)
    found = experience.advantages(rollout, values, gamma=0.5, gae_lambda=0.5)
    # errors: 1 + 0.5 * 2 - 1 = 1; 2 - 2 = 0 (the episode ended); 3 + 0.5 * 8 - 4 = 3
    assert found.ravel().tolist() == [1.0 + 0.25 * 0.0, 0.0, 3.0]
    going_on = rollout._replace(ended=numpy.zeros((3, 1), numpy.float32))
    found = experience.advantages(going_on, values, gamma=0.5, gae_lambda=0.5)
    # errors: 1; 2 + 0.5 * 4 - 2 = 2; 3
    assert found.ravel().tolist() == [1 + 0.25 * 2.75, 2 + 0.25 * 3, 3.0]


def test_minibatches_hold_every_step_once_an_epoch_with_normal_advantages(experience: ModuleType) -> None:
    steps = 12
    rollout = rollout_of(experience, rewards=list(range(steps)), ended=[0] * steps)
    hparams = {"gamma": 0.9, "gae_lambda": 0.8, "update_epochs": 2, "num_minibatches": 3}
    values = numpy.linspace(0, 1, steps + 1, dtype=numpy.float32).reshape(-1, 1)
    log_probabilities = numpy.zeros((steps, 1), numpy.float32)
    found = experience.minibatches(rollout, log_probabilities, values, hparams, numpy.random.RandomState(0))
    assert found.observations.shape == (6, 4, 1)
    for epoch in (found.observations[:3], found.observations[3:]):
        assert sorted(epoch.ravel()) == list(range(steps))
    assert (found.observations[:3] != found.observations[3:]).any()
    assert found.advantages.mean(axis=1) == pytest.approx(numpy.zeros(6), abs=1e-6)
    assert found.advantages.std(axis=1, ddof=1) == pytest.approx(numpy.ones(6), abs=1e-5)
    gained = experience.advantages(rollout, values, 0.9, 0.8)
    at = found.observations[..., 0].astype(int)
    assert (found.returns == (gained + values[:-1])[at, 0]).all()
    assert all(field.dtype in (numpy.float32, numpy.int64) for field in found)


def test_actions_are_drawn_from_the_policy(experience: ModuleType) -> None:
    class Still:
        """A game in which nothing moves."""

        observations, actions = numpy.zeros((4, 1), numpy.float32), 3

        def step(self, actions: list[int]) -> tuple[list[float], list[bool]]:
            return [1.0] * len(actions), [False] * len(actions)

    shares = numpy.array([0.2, 0.5, 0.3])
    rollout = experience.play(Still(), lambda _: numpy.log(shares), 5000, numpy.random.RandomState(0))
    found = numpy.bincount(rollout.actions.ravel()) / rollout.actions.size
    assert found == pytest.approx(shares, abs=4 * (0.25 / 20_000) ** 0.5)  # four standard errors


def test_the_learning_rate_falls_to_nothing_after_the_last_update(experience: ModuleType) -> None:
    hparams = {"learning_rate": 2.5e-4, "epochs": 61, "updates_per_epoch": 16}
    rates = [experience.learning_rate(update, hparams) for update in range(977)]
    assert rates[0] == 2.5e-4
    assert rates[976] == 0
    assert rates[244] == pytest.approx(0.75 * 2.5e-4)
