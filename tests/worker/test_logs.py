"""Logs of TensorBoard and MLflow: found, read from where a program began to write, and never guessed."""

from __future__ import annotations

import shutil
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
