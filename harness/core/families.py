"""Many cells at once: the false discovery rate is held (VERDICTS rule 8).  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.core.values import Status, Verdict
from harness.statistics.families import LEVEL, false_discovery

ALARMS = (Status.REGRESSION, Status.IMPROVED)


def hold_false_discoveries(verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Verdicts judged together: a change that does not stand out among that many cells is no alarm yet.

    By Benjamini & Hochberg (1995) over every cell that was tested.  Such a change becomes INCONCLUSIVE,
    never PASS, and says so.
    """
    if not any(verdict.status in ALARMS for verdict in verdicts):
        return tuple(verdicts)
    tested = [verdict for verdict in verdicts if verdict.p is not None]
    stands = dict(zip(map(id, tested), false_discovery([verdict.p for verdict in tested]), strict=True))
    return tuple(
        _suspected(verdict, len(tested)) if verdict.status in ALARMS and not stands.get(id(verdict), True) else verdict
        for verdict in verdicts
    )


def told(verdicts: Sequence[Verdict]) -> str:
    """How many cells were judged together, for the report."""
    cells = sum(verdict.p is not None for verdict in verdicts)
    return f"{cells} cells were tested together; of the changes reported, at most {LEVEL:.0%} are expected to be none."


def _suspected(verdict: Verdict, cells: int) -> Verdict:
    return replace(
        verdict,
        status=Status.INCONCLUSIVE,
        needs=verdict.needs or 1,
        sentence=f"{verdict.sentence.rstrip('.')}; but among {cells} cells judged together this is not yet an alarm: "
        "run it again.",
    )
