"""The pages of a night, of models and of runs in a real browser, and what they cost."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page as Tab

from harness.commands.pages import History
from harness.commands.report import judge_models, write_report
from harness.core.night import CellState
from harness.core.values import RunStatus
from harness.registry import Workspace as Opened
from tests.conftest import Workspace, open_at
from tests.reports.nights import made_night, made_nights
from tests.reports.test_browser import ARTEFACTS, HOSTILE, opened

NIGHTS = 60
ENVIRONMENTS = ["numpy-2.4", "numpy-2.3", HOSTILE, "numpy-2.1"]
NOW = datetime.datetime(2026, 3, 2, 6, tzinfo=datetime.UTC)
BASELINE = """
[[reference]]
recipe = "fine"
metric = "score"
kind = "published"
value = 0.958
source = "a paper"
how = "last epoch"

[[reference]]
recipe = "fine"
metric = "score"
kind = "recorded"
values = [0.96, 0.957, 0.963, 0.959, 0.961]
environment = "numpy-2.4"
date = "2026-01-01"
source = "this machine"
how = "last epoch"
reason = "first"
"""


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports of a night in which a run died, one cell was not run, and another was bad for twenty nights."""
    root = tmp_path_factory.mktemp("night") / "workspace"
    root.mkdir()
    workspace = Workspace(root)
    workspace.add_toy()
    (root / "baselines").mkdir()
    (root / "baselines" / "toy.toml").write_text(BASELINE)
    return report(open_at(root))


def report(workspace: Opened) -> Path:
    runs = list(made_nights(["toy"], "fine", "score", ENVIRONMENTS, NIGHTS))
    runs.pop()  # of the last environment nothing was made in the last night
    log = workspace.state / "dead"
    log.mkdir(exist_ok=True)
    (log / "worker.log").write_text(f"epoch 1\n{HOSTILE}\n")
    runs[-1] = replace(runs[-1], status=RunStatus.CRASHED, reason=f"died: {HOSTILE}", metrics={}, path=str(log))
    planned = made_night(["toy"], "fine", ENVIRONMENTS, NIGHTS - 1, state=CellState.NOT_RUN, reason=HOSTILE)
    tonight = [run for run in runs if run.night == planned.id]
    verdicts, baselines = judge_models(workspace, tonight)
    history = History(records=tuple(runs), damaged=0)
    return write_report(workspace, tonight, verdicts, baselines, night=planned, history=history, now=NOW)


@pytest.fixture
def tab(night: Path) -> Iterator[tuple[Tab, list[str]]]:
    with opened(night) as shown:
        yield shown


def asked_elsewhere(seen: list[str]) -> list[str]:
    return [line for line in seen if not line.startswith("request: file://")]


def text(page: Tab, selector: str) -> str:
    return " ".join(page.locator(selector).all_inner_texts())


def test_the_first_page_says_what_is_new_then_all_cells_then_what_was_not_run(tab: tuple[Tab, list[str]]) -> None:
    page, seen = tab
    assert seen == []
    assert "3 of 4 cells were judged, 1 were not" in text(page, "p")
    new, old, *_ = page.locator("section").all_inner_texts()
    assert "died: <script>" in new
    assert "REGRESSION" in old or "is worse" in old
    assert old.count("package-0") == 1  # told once, though published and recorded say the same
    assert "package-1" not in old
    cells = page.locator("table.matrix tbody td").all_inner_texts()
    assert sorted(cells) == sorted(["✗ ERROR", "– not run", cells[2], "▼ REGRESSION"])
    assert "not run: <script>" in text(page, "li")
    assert "tested together" in text(page, "p")
    assert page.locator("script").count() == 1
    assert page.title() == "Night 20260301T030000-ab"


def test_every_link_between_the_pages_leads_somewhere_and_no_request_leaves(night: Path) -> None:
    with opened(night) as (page, seen):
        todo, done = [night.as_uri()], set()
        while todo:
            address = todo.pop()
            if address in done:
                continue
            done.add(address)
            page.goto(address)
            assert page.title() != "owned"
            assert page.locator("img").count() == 0
            links: list[str] = page.evaluate("[...document.querySelectorAll('a[href]')].map((a) => a.href)")
            todo += [link.partition("#")[0] for link in links if link.startswith("file:")]
        assert asked_elsewhere(seen) == []
    kinds = {Path(address).name.partition("-")[0] for address in done}
    assert kinds == {"index.html", "model", "run"}
    assert done == {path.as_uri() for path in night.parent.glob("*.html")}


def test_the_model_page_shows_bands_levels_and_curves_of_environments_together(night: Path) -> None:
    with opened(night.parent / "model-toy.html") as (page, seen):
        assert seen == []
        assert page.locator("rect.band").count() >= len(ENVIRONMENTS)
        assert "got worse on 2026-02-10" in text(page, "li")
        assert page.locator("rect.change").count() >= 1
        assert page.locator("svg.lines polyline").count() == 2 * len(ENVIRONMENTS)  # loss and score
        assert "published" in text(page, "td")
        assert "+0.20 pp" in text(page, "td")  # the recorded value from the published one
        ARTEFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTEFACTS / "model-light.png", full_page=True)


def test_the_run_page_holds_everything_and_a_hostile_log_is_inert(night: Path) -> None:
    (dead,) = [path for path in night.parent.glob("run-*.html") if "died: " in path.read_text()]
    with opened(dead) as (page, seen):
        assert seen == []
        body = text(page, "main")
        for word in (
            "package-29",
            "OMP_NUM_THREADS",
            "openblas",
            "0x1",
            "weights_initial",
            "harness run toy",
            "epoch 1",
        ):
            assert word in body
        assert HOSTILE in text(page, "pre")
        assert page.title() != "owned"
        page.screenshot(path=ARTEFACTS / "run-light.png", full_page=True)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(night: Path, theme: str) -> None:
    run = next(night.parent.glob("run-*.html"))
    with opened(night) as (page, _):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        for path in (night, night.parent / "model-toy.html", run):
            page.goto(path.as_uri())
            page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
            page.screenshot(path=ARTEFACTS / f"{path.name.partition('-')[0].removesuffix('.html')}-{theme}-open.png")
            found: list[dict[str, Any]] = Axe().run(page).response["violations"]
            serious = [
                (each["id"], each["nodes"][0]["html"][:200])
                for each in found
                if each["impact"] in ("serious", "critical")
            ]
            assert not serious, path.name


def test_the_pages_are_used_by_keyboard_and_on_a_phone_and_print(tab: tuple[Tab, list[str]]) -> None:
    page, _ = tab
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "theme"
    summary = page.locator("summary").first
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator("details").first.get_attribute("open") is not None
    page.screenshot(path=ARTEFACTS / "night-light.png", full_page=True)
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.screenshot(path=ARTEFACTS / "night-phone.png", full_page=True)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(28, 30, 33)"
    assert not page.locator("#theme").is_visible()
    assert len(page.pdf(path=ARTEFACTS / "night.pdf")) > 10_000


def test_it_opens_within_a_second_of_the_processor(night: Path) -> None:
    """By the main thread's own time: a machine that does something else beside may take longer by the clock."""
    with opened(night) as (page, _):
        for path in (night, night.parent / "model-toy.html"):
            session = page.context.new_cdp_session(page)
            session.send("Performance.enable", {"timeDomain": "threadTicks"})
            page.goto(path.as_uri())
            told = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
            session.detach()
            assert 0 < told["TaskDuration"] < 1, path.name


def test_equal_input_gives_equal_bytes_and_run_pages_are_left_alone(night: Path) -> None:
    root = night.parent.parent.parent
    before = {path.name: path.read_bytes() for path in night.parent.glob("*.html")}
    made = {path.name: path.stat().st_mtime_ns for path in night.parent.glob("*-*.html")}
    report(open_at(root))
    assert {path.name: path.read_bytes() for path in night.parent.glob("*.html")} == before
    assert {path.name: path.stat().st_mtime_ns for path in night.parent.glob("*-*.html")} == made


def test_a_page_is_small(night: Path) -> None:
    assert night.stat().st_size < 100_000
