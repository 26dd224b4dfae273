"""Which verdicts are other than they were said last time, and why.  Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.core.show import show, show_difference
from harness.core.values import Verdict


@dataclass(frozen=True, kw_only=True)
class Change:
    verdict: Verdict
    before: str | None  # the status that was said last; None where the cell was never judged
    reasons: tuple[str, ...]


def key(verdict: Verdict) -> str:
    """The cell and what it was compared with."""
    reference = verdict.reference
    against = (reference.kind, reference.source, reference.environment or "") if reference else ("", "", "")
    return "\t".join((*verdict.group, verdict.metric, *against))


def said(verdict: Verdict, method: str) -> dict[str, Any]:
    """What a verdict rested on, to be compared with later; ``method`` is the digest of the deciding code."""
    reference = verdict.reference
    return {
        "status": verdict.status.value,
        "sentence": verdict.sentence,
        "runs": sorted(verdict.runs),
        "margin": verdict.margin,
        "reference": reference.value if reference else None,
        "values": list(reference.values) if reference else [],
        "spread": reference.std if reference else None,
        "method": method,
    }


def changed(verdicts: Sequence[Verdict], before: Mapping[str, Mapping[str, Any]], method: str) -> tuple[Change, ...]:
    """The verdicts whose status differs from what was said last, with every difference that may explain it.

    A cell whose reference was renamed or added is compared with what was said of the cell otherwise.
    """
    by_cell = {name.rsplit("\t", 3)[0]: each for name, each in before.items()}
    found: list[Change] = []
    for verdict in verdicts:
        last = before.get(key(verdict)) or by_cell.get(key(verdict).rsplit("\t", 3)[0])
        if last is None:
            found.append(Change(verdict=verdict, before=None, reasons=("it was never judged before",)))
        elif last["status"] != verdict.status.value:
            reasons = _reasons(last, said(verdict, method), verdict.unit)
            found.append(Change(verdict=verdict, before=str(last["status"]), reasons=reasons))
    return tuple(found)


def _reasons(last: Mapping[str, Any], now: Mapping[str, Any], unit: str) -> tuple[str, ...]:
    reasons = []
    old, new = set(last["runs"]), set(now["runs"])
    if old != new:
        reasons.append(f"it rests on other runs: {len(new - old)} came, {len(old - new)} went")
    if (last["reference"], last["values"], last["spread"]) != (now["reference"], now["values"], now["spread"]):
        reasons.append(f"the reference was {show(last['reference'], unit)}, is {show(now['reference'], unit)}")
    if last["margin"] != now["margin"]:
        was, now_is = (show_difference(each["margin"], unit, sign=False) for each in (last, now))
        reasons.append(f"the tolerance was ±{was}, is ±{now_is}")
    if last["method"] != now["method"]:
        reasons.append("the code that decides was changed")
    return tuple(reasons) or ("the cells judged together with it are others",)
