"""``harness run --resume``: go on with a run that was interrupted, as a run of its own."""

from __future__ import annotations

from harness import registry
from harness.commands.carry_out import carry_out
from harness.commands.report import judge_models, write_report
from harness.commands.run import Outcome
from harness.commands.start import Interrupted, from_checkpoint
from harness.core.values import Record
from harness.core.verdicts import exit_code
from reports.progress import Progress


def resume(workspace: registry.Workspace, run_id: str, *, keep_weights: bool) -> Outcome:
    """The rest of the training, its whole record, judged like any other and marked."""
    with Progress() as progress:
        found = from_checkpoint(workspace, run_id, progress)
        record = go_on(workspace, found, progress, keep_weights=keep_weights)
    verdicts, baselines = judge_models(workspace, [record])
    report = write_report(workspace, [record], verdicts, baselines)
    return Outcome(records=(record,), verdicts=verdicts, report=report, exit_code=exit_code(verdicts))


def go_on(
    workspace: registry.Workspace, found: Interrupted, progress: Progress, *, keep_weights: bool = False
) -> Record:
    return carry_out(
        found.record.job,
        found.spec,
        found.recipe,
        found.built,
        found.data,
        workspace,
        progress,
        place=(0, 1),
        start=found.start,
        keep_weights=keep_weights or found.keep_weights,
    )
