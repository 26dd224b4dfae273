"""What other programs are given."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from xml.etree import ElementTree

from harness.core.judge import judge
from harness.core.values import Baseline, RunStatus, Status, Verdict
from reports.formats import junit, markdown, table_csv
from reports.html import apart
from reports.pages import render_run
from tests.core.examples import accuracy_recipe, record, reference

HOSTILE = '<b>|`*"\x00]]>&\n=1+1,é'
KNOWN = Baseline(model="toy", references=(reference(values=(0.96, 0.961, 0.959, 0.962)),))
RUNS = (
    *(record(seed=seed, metrics={"top1": 0.96 + seed / 1000}) for seed in range(3)),
    record(environment="=worse", metrics={"top1": 0.8}),
    record(environment="broken", status=RunStatus.CRASHED, reason=HOSTILE, metrics={}),
)


def verdicts() -> list[Verdict]:
    found = list(judge(RUNS, accuracy_recipe(), KNOWN))
    return [*found, replace(found[0], status=Status.INCONCLUSIVE, environment=HOSTILE)]


def test_a_run_page_says_what_bounded_the_speed_where_it_was_measured() -> None:
    waited = record(measurement={"input_wait_share": 0.37})
    assert "<p>input bound: the training waited 37% of the time for its input.</p>" in render_run(waited, "harness run")
    assert " bound: " not in render_run(record(), "harness run")


def test_junit_calls_a_change_a_failure_a_death_an_error_and_the_undecided_skipped() -> None:
    top = ElementTree.fromstring(junit(verdicts(), RUNS))
    assert {name: top.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }
    (suite,) = top
    outcomes = [[outcome.tag for outcome in case] for case in suite]
    assert outcomes == [[], ["failure"], ["error"], ["skipped"]]
    assert suite[1][0].get("type") == "REGRESSION"
    assert all(outcome.get("message") for case in suite for outcome in case)
    assert float(suite[0].get("time", "nan")) == 180.0


def test_csv_is_read_back_as_it_was_and_no_cell_is_a_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(table_csv(verdicts(), RUNS))))
    assert [row["status"] for row in rows] == ["PASS", "REGRESSION", "ERROR", "INCONCLUSIVE"]
    assert float(rows[0]["measured"]) == verdicts()[0].measured
    assert rows[1]["environment"] == "'=worse"
    assert rows[3]["environment"] == HOSTILE
    assert rows[2]["measured"] == ""


def test_markdown_keeps_its_columns_whatever_a_name_holds() -> None:
    told = markdown(verdicts(), RUNS)
    rows = [line for line in told.splitlines() if line.startswith("|")]
    assert {len(line.replace("\\|", "").split("|")) for line in rows} == {9}
    assert "1 of 4 verdicts are PASS" in told
    assert "<b>" not in told
    assert rows[2].startswith("| ▼ REGRESSION")


def test_of_long_values_what_differs_is_shown() -> None:
    one, other = "x" * 300 + "oneDNN v3.12" + "y" * 300, "x" * 300 + "oneDNN v3.13" + "y" * 300
    assert apart(one, other) == ("…xoneDNN v3.12yyyyyyyyyyyy…", "…xoneDNN v3.13yyyyyyyyyyyy…")
    assert apart(None, "1") == ("–", "1")
