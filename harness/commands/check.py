"""``harness check``: judge the stored runs again and say which verdicts changed, and why."""

from __future__ import annotations

from harness import registry, store
from harness.commands.report import deciding_code, report
from harness.commands.run import Outcome
from harness.core.changes import Change, changed
from harness.core.verdicts import exit_code


def check(workspace: registry.Workspace, model: str | None) -> tuple[Outcome, tuple[Change, ...]]:
    """The verdicts of today's baselines, tolerances and statistics beside what was said last."""
    before = store.load_said(workspace.state)
    records, verdicts, page = report(workspace, model)
    outcome = Outcome(records=records, verdicts=verdicts, report=page, exit_code=exit_code(verdicts))
    return outcome, changed(verdicts, before, deciding_code())
