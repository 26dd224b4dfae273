"""``harness nightly``: the plan of harness.toml, unattended."""

from __future__ import annotations

import time

from harness import registry, store
from harness.commands.night import NightOutcome, live_through, plan_night, reopen
from harness.core.night import Night
from harness.store import NightFolder
from reports.progress import Progress
from reports.terminal import night_table

SAME_NIGHT_HOURS = 20.0  # a stopped night that is older is left as it is: the next one has begun
TAG = "cpu"  # the recipes that a night runs where harness.toml names none


def nightly(workspace: registry.Workspace) -> NightOutcome:
    """Go on with tonight's night where it was stopped or killed, else start one; say how it ended, once."""
    with Progress() as progress, store.one_night_at_a_time(workspace.state):
        folder = _tonight(workspace)
        if folder is None:
            folder = store.create_night(workspace.state, nightly_plan(workspace))
        else:
            progress.say(f"night {folder.id} was not brought to its end: going on with it")
            reopen(folder)
        outcome = live_through(workspace, folder, workspace.nightly.budget_minutes, progress)
        _notify(workspace, outcome, progress)
    return outcome


def nightly_plan(workspace: registry.Workspace) -> Night:
    said = workspace.nightly
    return plan_night(
        workspace,
        models=said.models or [spec.name for spec in registry.load_models(workspace)],
        environment_names=said.environments or workspace.environments,
        recipes=said.recipes or (() if said.models else (TAG,)),
        seeds=said.seeds,
        max_seeds=said.max_seeds,
        nightly=True,
    )


def _tonight(workspace: registry.Workspace) -> NightFolder | None:
    """The last nightly where it was stopped or killed, and lately."""
    for folder in reversed(store.nights(workspace.state)):
        night = folder.load()
        if night.nightly:
            recent = time.time() - night.started < 3600 * SAME_NIGHT_HOURS
            return folder if recent and not night.complete else None
    return None


def _notify(workspace: registry.Workspace, outcome: NightOutcome, progress: Progress) -> None:
    """One message a night; that it could not be sent is said, and changes nothing else."""
    if not workspace.nightly.notify:
        return
    try:
        import apprise
    except ImportError:
        progress.say("no message was sent: apprise is not installed (pip install 'benchmark-harness[notify]')")
        return
    post = apprise.Apprise()
    unread = [address for address in workspace.nightly.notify if not post.add(address)]
    body = f"{night_table(outcome.night, outcome.verdicts)}\n\nreport: {outcome.report}"
    if unread or not post.notify(title=_summary(outcome), body=body):
        progress.say("the message about the night could not be sent to every address of [nightly] notify")


def _summary(outcome: NightOutcome) -> str:
    """ "night 20261125T...: 1 REGRESSION, 7 PASS"."""
    statuses = [verdict.status.value for verdict in outcome.verdicts]
    told = ", ".join(f"{statuses.count(each)} {each}" for each in sorted(set(statuses))) or "nothing was judged"
    return f"night {outcome.night.id}: {told}"
