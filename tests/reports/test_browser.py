"""The page in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import sync_playwright

from harness.core.judge import judge
from harness.core.trends import points_of, trends
from harness.core.values import Baseline, RunStatus
from reports.html import Page, render, render_history, safe_url
from tests.conftest import REPOSITORY
from tests.core.examples import accuracy_recipe, record, reference, speed_recipe

ARTEFACTS = REPOSITORY / "test-artefacts"
HOSTILE = '<script>document.title = "owned"</script><img src=x onerror="document.title=\'owned\'">'
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def example() -> Page:
    curve = {"loss": ((0, 2.0), (1, 0.5), (2, 0.2)), "top1": ((0, 0.5), (1, 0.9), (2, 0.96))}
    good = [
        record(seed=seed, metrics={"top1": 0.96 + seed / 1000}, curves=curve, reason="", packages={HOSTILE: "1"})
        for seed in range(3)
    ]
    worse = [record(environment="tf-2.21", metrics={"top1": 0.8})]
    broken = [record(environment=HOSTILE, status=RunStatus.CRASHED, reason=HOSTILE, metrics={}, machine=None)]
    known = Baseline(
        model="toy",
        references=(reference(values=(0.96, 0.961, 0.959, 0.962), source=HOSTILE, url="javascript:alert(1)"),),
    )
    records = (*good, *worse, *broken)
    return Page(
        title=f"Report {HOSTILE}",
        verdicts=judge(records, accuracy_recipe(), known),
        records=records,
        rerun={run.id: f"harness run {HOSTILE}" for run in records},
        generated="2026-01-01 00:00 UTC",
        notes=(HOSTILE,),
        references=known.references,
    )


@contextmanager
def opened(path: Path) -> Iterator[tuple[Tab, list[str]]]:
    """A tab that shows ``path``, and what it said or asked for beside that."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page()
        seen: list[str] = []
        page.on("console", lambda message: seen.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: seen.append(f"error: {error}"))
        page.on("request", lambda request: seen.append(f"request: {request.url}"))
        page.goto(path.as_uri())
        seen.remove(f"request: {path.as_uri()}")
        yield page, seen
        browser.close()


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[tuple[Tab, list[str]]]:
    path = tmp_path / "index.html"
    path.write_text(render(example()))
    with opened(path) as shown:
        yield shown


def test_the_history_shows_levels_and_changes_and_is_inert_too(tmp_path: Path) -> None:
    metric = speed_recipe().metrics[0]
    rates = [100.0 + (night * 7 % 5) - (10.0 if night >= 15 else 0.0) for night in range(30)]
    runs = [
        replace(
            record(recipe="speed", mode="speed", environment=HOSTILE, metrics={metric.name: rate}),
            id=f"202601{night + 1:02d}T030000",
            started=float(night),
        )
        for night, rate in enumerate(rates)
    ]
    found = trends(
        points_of(runs, speed_recipe(), metric), speed_recipe(), Baseline(model="toy", references=()), metric
    )
    path = tmp_path / "history.html"
    path.write_text(render_history("toy", found, "2026-01-31 00:00 UTC"))
    with opened(path) as (page, seen):
        assert seen == []
        assert "worse on 2026-01-16" in (page.locator("li").first.text_content() or "")
        assert page.locator("svg").count() == 1
        ARTEFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTEFACTS / "history.png", full_page=True)
        page.set_viewport_size({"width": 400, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_the_page_is_self_contained_and_hostile_strings_are_inert(tab: tuple[Tab, list[str]]) -> None:
    page, seen = tab
    assert seen == []
    assert page.title().startswith("Report <script>")
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 1
    assert page.locator("a[href^=javascript]").count() == 0


def test_rows_come_worst_first_and_sort_by_key_and_mouse(tab: tuple[Tab, list[str]]) -> None:
    page, _ = tab

    def statuses() -> list[str]:
        return [text.split()[-1] for text in page.locator("#verdicts tbody td:first-child").all_text_contents()]

    assert statuses() == ["REGRESSION", "ERROR", "PASS"]
    page.get_by_role("button", name="Verdict").click()
    by_mouse = statuses()
    page.get_by_role("button", name="Verdict").press("Enter")
    assert statuses() == by_mouse[::-1]
    assert page.locator("th[aria-sort=descending]").count() == 1


def test_the_command_of_a_run_is_copied_or_selected(tab: tuple[Tab, list[str]]) -> None:
    page, _ = tab
    button = page.locator(".command button").first
    button.click()
    page.wait_for_function("document.querySelector('.command button').textContent !== 'Copy'")
    if button.text_content() == "Selected":
        assert page.evaluate("getSelection().toString()").startswith("harness run")


def test_dark_mode_and_a_phone(tab: tuple[Tab, list[str]]) -> None:
    page, seen = tab
    ARTEFACTS.mkdir(exist_ok=True)

    def background() -> Any:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    light = background()
    page.screenshot(path=ARTEFACTS / "report-light.png", full_page=True)
    page.get_by_role("button", name="Light / dark").click()
    assert background() != light
    page.screenshot(path=ARTEFACTS / "report-dark.png", full_page=True)
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.screenshot(path=ARTEFACTS / "report-phone.png", full_page=True)
    assert seen == []


def test_equal_input_gives_equal_bytes() -> None:
    assert render(example()) == render(example())


def test_only_web_addresses_are_linked() -> None:
    assert safe_url("https://example.org") == "https://example.org"
    assert safe_url("javascript:alert(1)") == safe_url("data:text/html,x") == ""


def test_a_page_without_anything_is_still_a_page() -> None:
    empty = Page(title="x", verdicts=(), records=(), rerun={}, generated="", notes=(), references=())
    assert "Nothing was judged" in render(empty)
