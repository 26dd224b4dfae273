"""Night folders: the plan is there before anything starts, and a killed process loses nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness import store
from harness.core.errors import HarnessError
from harness.core.night import CellState, Night, NightCell

CELL = NightCell(model="toy", recipe="fine", framework="numpy", environment="numpy-2.4", expected_seconds=2.5)
NIGHT = Night(id="20261125T220000-abcd", cells=(CELL, replace(CELL, environment="other")), started=1.5, max_seeds=3)


def test_what_was_planned_and_what_happened_is_read_again(tmp_path: Path) -> None:
    folder = store.create_night(tmp_path, NIGHT)
    assert folder.load() == NIGHT
    folder.mark(replace(CELL, state=CellState.DONE, reason="it <b>was</b>\nso", attempts=1))
    night = store.nights(tmp_path)[0].load()
    assert [cell.state for cell in night.cells] == [CellState.DONE, CellState.WAITING]
    assert night.cells[0].reason == "it <b>was</b>\nso"
    assert not night.complete
    folder.finish(complete=True)
    assert folder.load().complete
    folder.reopen()
    assert not folder.load().complete


def test_a_torn_line_spoils_no_other(tmp_path: Path) -> None:
    folder = store.create_night(tmp_path, NIGHT)
    with (folder.path / "states.jsonl").open("a") as file:
        file.write('{"group": ["toy", "fi')
    folder.mark(replace(CELL, state=CellState.DONE))
    assert folder.load().cells[0].state is CellState.DONE


def test_a_folder_without_a_plan_is_no_night_and_a_damaged_plan_says_so(tmp_path: Path) -> None:
    folder = store.create_night(tmp_path, NIGHT)
    (tmp_path / "nights" / "20261126T220000-ffff").mkdir()
    assert [found.id for found in store.nights(tmp_path)] == [NIGHT.id]
    (folder.path / "plan.json").write_text('{"id": 3}')
    with pytest.raises(HarnessError, match=r"plan\.json: not a plan"):
        folder.load()


def test_a_second_process_is_told_that_the_first_holds_a_night(tmp_path: Path) -> None:
    with store.one_night_at_a_time(tmp_path):
        with (
            pytest.raises(HarnessError, match="another process holds a night here") as refused,
            store.one_night_at_a_time(tmp_path),
        ):
            pass
        assert refused.value.code == 75
    with store.one_night_at_a_time(tmp_path):
        pass
