"""Verdicts for other programs: Markdown, JUnit XML and CSV.  Strings are escaped, whatever they hold."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from xml.etree import ElementTree

from harness.core.families import told
from harness.core.show import show, show_difference
from harness.core.values import Record, Status, Verdict
from reports.html import SYMBOLS, ended, worst_first

FAILURES = (Status.REGRESSION, Status.IMPROVED)
ERRORS = (Status.ERROR, Status.INVALID, Status.UNMEASURED)
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2
COLUMNS = (
    "model", "recipe", "framework", "environment", "metric", "unit", "status", "measured", "n", "reference",
    "reference_kind", "low", "high", "margin", "detectable", "needs", "sentence",
)  # fmt: skip


def markdown(verdicts: Sequence[Verdict], records: Sequence[Record]) -> str:
    """For the summary of a CI job: counts, then one row per verdict, the worst first."""
    rows = [
        (
            f"{SYMBOLS[verdict.status]} {verdict.status.value}",
            f"{verdict.model}/{verdict.recipe}",
            verdict.environment,
            verdict.metric,
            f"{show(verdict.measured, verdict.unit)} (n = {verdict.n})",
            "–" if verdict.reference is None else show(verdict.reference.value, verdict.unit),
            "–" if verdict.margin is None else f"±{show_difference(verdict.margin, verdict.unit, sign=False)}",
        )
        for verdict in worst_first(verdicts)
    ]
    sentences = [
        f"- **{verdict.status.value}** {_inline(verdict.sentence)}"
        for verdict in worst_first(verdicts)
        if verdict.status is not Status.PASS
    ]
    head = ("verdict", "job", "environment", "metric", "measured", "reference", "margin")
    table = [_row(head), _row(["---"] * len(head), escape=False), *map(_row, rows)]
    passed = sum(verdict.status is Status.PASS for verdict in verdicts)
    sentences += [f"- {_inline(record.id)}: {ended(record)}" for record in records if record.mark]
    summary = (
        f"**{passed} of {len(verdicts)} verdicts are PASS**, from {len(records)} run(s). {_inline(told(verdicts))}"
    )
    return "\n".join(["# Reproduction report", "", summary, "", *table, "", *sentences]).rstrip()


def junit(verdicts: Sequence[Verdict], records: Sequence[Record]) -> str:
    """One test case per verdict: a change is a failure, what could not be told an error, the undecided skipped."""
    seconds = {record.id: record.seconds for record in records}
    top = ElementTree.Element("testsuites", {"name": "harness", **_counts(verdicts)})
    for name in sorted({verdict.model for verdict in verdicts}):
        own = [verdict for verdict in verdicts if verdict.model == name]
        suite = ElementTree.SubElement(top, "testsuite", {"name": _xml(name), **_counts(own)})
        for verdict in own:
            against = f" against {verdict.reference.kind}" if verdict.reference else ""
            case = ElementTree.SubElement(
                suite,
                "testcase",
                classname=_xml(f"{verdict.model}.{verdict.recipe}"),
                name=_xml(f"{verdict.metric} in {verdict.environment}{against}"),
                time=f"{sum(seconds.get(run, 0.0) for run in verdict.runs):.3f}",
            )
            if (outcome := _outcome(verdict.status)) is not None:
                element = ElementTree.SubElement(case, outcome, message=_xml(verdict.sentence))
                if outcome != "skipped":
                    element.set("type", verdict.status.value)
                    element.text = _xml(verdict.sentence)
    ElementTree.indent(top)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(top, encoding="unicode")


def table_csv(verdicts: Sequence[Verdict], records: Sequence[Record]) -> str:  # noqa: ARG001  # as the others
    """RFC 4180, one row per verdict; numbers as they are stored."""
    import pandas as pd

    rows = []
    for verdict in verdicts:
        reference = verdict.reference
        known = {
            "status": verdict.status.value,
            "reference": reference.value if reference else None,
            "reference_kind": reference.kind if reference else None,
        }
        cells = [known[name] if name in known else getattr(verdict, name) for name in COLUMNS]
        rows.append([_text_only(cell) for cell in cells])
    frame = pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)  # else a missing number makes floats of the others
    return frame.to_csv(index=False, lineterminator="\r\n").rstrip("\r\n")


def _outcome(status: Status) -> str | None:
    if status is Status.PASS:
        return None
    if status in FAILURES:
        return "failure"
    return "error" if status in ERRORS else "skipped"


def _counts(verdicts: Sequence[Verdict]) -> dict[str, str]:
    outcomes = [_outcome(verdict.status) for verdict in verdicts]
    names = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    return {"tests": str(len(outcomes)), **{name: str(outcomes.count(one)) for name, one in names.items()}}


def _xml(text: str) -> str:
    return NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _row(cells: Sequence[str], *, escape: bool = True) -> str:
    return f"| {' | '.join(_inline(cell) if escape else cell for cell in cells)} |"


def _inline(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return re.sub(r"([\\`*_\[\]|~])", r"\\\1", html.escape(" ".join(text.split()), quote=False))


def _text_only(cell: object) -> object:
    """A spreadsheet takes text that begins so for a formula (OWASP, CSV injection)."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


DOCUMENTS: Mapping[str, Callable[[Sequence[Verdict], Sequence[Record]], str]] = {
    "markdown": markdown,
    "junit": junit,
    "csv": table_csv,
}
