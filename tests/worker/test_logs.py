"""Logs of TensorBoard and MLflow: found, read from where a program began to write, and never guessed."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from harness.worker import logs

LOGGED = Path(__file__).parent / "logged"


def test_a_tag_of_two_runs_has_to_be_said_whole() -> None:
    series = logs.read_series("tensorboard", str(LOGGED), {})
    for asked in ("validation/epoch_loss", "keras/validation/epoch_loss"):
        step, value = logs.choose(series, asked).points[-1]
        assert step == 2
        assert value == pytest.approx(1.74265991)
    with pytest.raises(ValueError, match="stands in several runs: keras/train/epoch_loss, keras/validation/epoch_loss"):
        logs.choose(series, "epoch_loss")
    with pytest.raises(ValueError, match="there is no acc; what was written is: keras/train"):
        logs.choose(series, "acc")
    assert logs.choose(logs.read_series("tensorboard", str(LOGGED / "tf"), {}), "val/acc").points[0] == (0, 0.5)


def test_metrics_of_mlflow_are_read() -> None:
    series = logs.read_series("mlflow", str(LOGGED), {})
    assert {each.name for each in series} == {"val_acc", "val/loss", "once"}
    assert logs.choose(series, "val_acc").points == [(0, 0.5), (1, 0.6), (2, 0.7), (3, 0.8)]
    assert logs.choose(series, "first/val/loss").points[-1] == (3, 0.25)
    assert logs.choose(series, "once").points == [(0, 3.5)]


def database(path: Path, *rows: tuple[object, ...]) -> Path:
    """As MLflow 3.17.2 makes it, where it matters: (name, value, run, step, is_nan)."""
    with closing(sqlite3.connect(path)) as opened, opened:
        opened.execute("CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY)")
        opened.execute("CREATE TABLE runs (run_uuid VARCHAR(32) PRIMARY KEY, name VARCHAR(250))")
        opened.execute(
            'CREATE TABLE metrics ("key" VARCHAR(250), value FLOAT, timestamp BIGINT, run_uuid VARCHAR(32),'
            " step BIGINT, is_nan BOOLEAN)"
        )
        opened.execute("INSERT INTO runs VALUES ('a1', 'first'), ('b2', '')")
    add(path, *rows)
    return path


def add(path: Path, *rows: tuple[object, ...]) -> None:
    with closing(sqlite3.connect(path)) as opened, opened:
        opened.executemany("INSERT INTO metrics VALUES (?, ?, 1795917455267, ?, ?, ?)", rows)


def test_the_data_base_of_mlflow_is_read(tmp_path: Path) -> None:
    path = database(
        tmp_path / "mlflow.db",
        ("val_acc", 0.5, "a1", 0, False),
        ("loss", 0.0, "a1", 0, True),
        ("loss", sys.float_info.max, "a1", 1, False),
        ("once", 1.0, "b2", 0, False),
        ("val_acc", 0.6, "a1", 1, False),
    )
    for root in (tmp_path, path):
        series = logs.read_series("mlflow", str(root), {})
        assert [(each.run, each.name) for each in series] == [("b2", "once"), ("first", "loss"), ("first", "val_acc")]
    assert logs.choose(series, "first/val_acc").points == [(0, 0.5), (1, 0.6)]
    assert [str(value) for _, value in logs.choose(series, "loss").points] == ["nan", "inf"]
    before = logs.sizes("mlflow", str(tmp_path))
    assert before == {str(path): 5}
    assert logs.read_series("mlflow", str(tmp_path), before) == []
    add(path, ("val_acc", 0.7, "b2", 0, False))
    assert logs.read_series("mlflow", str(tmp_path), before) == [logs.Series("b2", "val_acc", [(0, 0.7)])]


def test_other_data_bases_are_none_of_mlflow_and_a_damaged_one_is_an_error(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "app.db")) as opened, opened:
        opened.execute("CREATE TABLE metrics (x)")
    (tmp_path / "notes.db").write_text("no data base")
    assert logs.sizes("mlflow", str(tmp_path)) == {}
    path = database(tmp_path / "mlflow.db", ("val_acc", 0.5, "a1", 0, False))
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + bytes(len(whole) - 100))
    with pytest.raises(ValueError, match=r"mlflow\.db: is no sound data base of MLflow"):
        logs.read_series("mlflow", str(tmp_path), {})


def test_what_earlier_runs_wrote_is_not_read(tmp_path: Path) -> None:
    shutil.copytree(LOGGED, tmp_path / "logs")
    before = {kind: logs.sizes(kind, str(tmp_path)) for kind in logs.KINDS}
    assert [logs.read_series(kind, str(tmp_path), before[kind]) for kind in logs.KINDS] == [[], []]
    [metric] = (tmp_path / "logs").glob("mlruns/*/*/metrics/val_acc")
    with metric.open("a") as file:
        file.write("1795903999999 0.95 9\n")
    [found] = logs.read_series("mlflow", str(tmp_path), before["mlflow"])
    assert found.points == [(9, 0.95)]
    [events] = (tmp_path / "logs" / "tf").glob("events*")
    shutil.copy(events, events.with_name("events.out.tfevents.2.later"))
    [again] = logs.read_series("tensorboard", str(tmp_path), before["tensorboard"])
    assert (again.run, again.name, len(again.points)) == ("logs/tf", "val/acc", 5)


def test_a_damaged_log_is_an_error(tmp_path: Path) -> None:
    shutil.copytree(LOGGED, tmp_path / "logs")
    [metric] = (tmp_path / "logs").glob("mlruns/*/*/metrics/once")
    for spoilt in ("3.5\n", "1 2 3", "1 x 3\n", "1 2 x\n"):
        metric.write_text(spoilt)
        with pytest.raises(ValueError, match=r"once: (line 1 is no metric|could not convert|invalid literal)"):
            logs.read_series("mlflow", str(tmp_path), {})
    [events] = (tmp_path / "logs" / "tbx").glob("events*")
    events.write_bytes(events.read_bytes()[:-5])
    with pytest.raises(ValueError, match=r"tbx/events.*within a record"):
        logs.read_series("tensorboard", str(tmp_path), {})
