from __future__ import annotations

import math
from pathlib import Path

import pytest

from harness.core.errors import HarnessError
from harness.store import RunFolder, create_run, load_records
from harness.wire.events import Event
from tests.core.examples import record


def test_a_record_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    folder = create_run(tmp_path, "20260101T000000-toy-digits-torch-2.13-s0-abcdef")
    stored = record(metrics={"top1": 0.25}, curves={"loss": ((0, 1.5), (1, 1.0))}, path=str(folder.path))
    folder.finish(stored)
    assert folder.load() == stored
    assert load_records(tmp_path, models=["toy"]) == [stored]
    assert load_records(tmp_path, models=["to"]) == []


def test_runs_of_one_second_come_in_the_order_of_their_starts(tmp_path: Path) -> None:
    """Their names end in chance: the later of the two would be shown as the older one every second time."""
    for ending, started in (("f", 5.25), ("0", 5.75), ("7", 5.5)):
        name = f"20260101T000000-toy-digits-torch-2.13-s0-{ending}"
        create_run(tmp_path, name).finish(record(id=name, started=started))
    assert [each.started for each in load_records(tmp_path)] == [5.25, 5.5, 5.75]


def test_a_number_that_is_none_survives_the_store(tmp_path: Path) -> None:
    folder = create_run(tmp_path, "a")
    folder.finish(record(metrics={"top1": math.nan, "loss": math.inf}))
    loaded = folder.load()
    assert loaded is not None
    assert math.isnan(loaded.metrics["top1"])
    assert loaded.metrics["loss"] == math.inf


def test_a_folder_without_a_record_holds_no_result(tmp_path: Path) -> None:
    folder = create_run(tmp_path, "a")
    folder.append(Event("eval_accuracy", 0.0, {"metric": "top1", "value": 1.0, "epoch": 0}))
    (folder.path / ".record.json.77.tmp").write_text('{"half": ')
    assert folder.load() is None
    assert load_records(tmp_path) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"id": "x"}', "\x00"])
def test_a_damaged_record_is_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    folder = create_run(tmp_path, "a")
    (folder.path / "record.json").write_text(text)
    with pytest.raises(HarnessError, match="not a record") as caught:
        folder.load()
    assert str(folder.path) in str(caught.value)
    assert caught.value.code == 3


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    folder = create_run(tmp_path, "a")
    folder.append(Event("run_start", 0.0, {}))
    with (folder.path / "events.jsonl").open("a") as file:
        file.write('{"kind": "run_st')
    assert [event.kind for event in RunFolder(folder.path).events()] == ["run_start"]


def test_an_id_is_given_once(tmp_path: Path) -> None:
    create_run(tmp_path, "a")
    with pytest.raises(FileExistsError):
        create_run(tmp_path, "a")
