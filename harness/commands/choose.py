"""Environments and data for a model, as the user named them or by the workspace's default."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence

from harness import datasets, environments
from harness.commands.expected import expected_hours
from harness.core.errors import HarnessError
from harness.core.plan import choose_environments
from harness.core.values import Environment, ModelSpec, Recipe
from harness.environments import Built
from harness.registry import Workspace
from harness.wire import COMMAND
from harness.wire.machine import usable_cores


def build_environments(
    workspace: Workspace,
    spec: ModelSpec,
    frameworks: Sequence[str],
    names: Sequence[str],
    say: Callable[[str], None],
) -> tuple[Built, ...]:
    """The environments to run ``spec`` in, built; "current" is the running interpreter."""
    shelf: list[Environment] = []
    running: dict[str, Built] = {}
    wrapped = (environments.CURRENT,) if spec.frameworks == (COMMAND,) else None  # a program brings its own
    for name in names or wrapped or workspace.environments:
        if name == environments.CURRENT:
            running = {framework: environments.current(framework) for framework in _installed(spec, frameworks)}
            shelf += [built.environment for built in running.values()]
        else:
            shelf.append(environments.load_environment(workspace.shelves, name))
    return tuple(
        running[chosen.framework]
        if chosen.name == environments.CURRENT
        else environments.build(chosen, shelves=workspace.shelves, state=workspace.state, say=say)
        for chosen in choose_environments(spec, shelf, frameworks=frameworks, environments=names or wrapped or ())
    )


def _installed(spec: ModelSpec, frameworks: Sequence[str]) -> Sequence[str]:
    """Those asked for, else those of the model's frameworks that the running interpreter has."""
    found = [name for name in spec.frameworks if importlib.util.find_spec(name) is not None]
    return frameworks or found or spec.frameworks


def threads_for(recipe: Recipe, asked: int | None) -> int:
    """As many as asked for, else every usable core, or fewer where the recipe says that more only wait."""
    return asked or min(usable_cores(), int(recipe.hyperparameters.get("threads", usable_cores())))


def prepare_data(
    workspace: Workspace, spec: ModelSpec, recipe: Recipe, say: Callable[[str], None]
) -> datasets.Prepared | None:
    """The recipe's data set, prepared and verified; None where its input is synthetic.

    Raises HarnessError; of a set that is missing, with what the training would take here once it is there.
    """
    if not recipe.dataset:
        return None
    try:
        return prepare_set(workspace, recipe.dataset, say, datasets.prepare)
    except datasets.Missing as error:
        hours = expected_hours(workspace, spec, recipe, error.samples)
        raise HarnessError(*error.messages, hours, hint=error.hint, code=error.code) from None


def prepare_set(
    workspace: Workspace, name: str, say: Callable[[str], None], make: Callable[..., datasets.Prepared]
) -> datasets.Prepared:
    """``make`` is ``datasets.prepare`` or ``datasets.verify``, called with this workspace's places."""
    return make(
        name,
        cache=workspace.state / "datasets",
        data_roots=workspace.data_roots,
        install=lambda requirement: environments.install_package(requirement, state=workspace.state, say=say),
        say=say,
    )
