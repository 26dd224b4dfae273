"""The index says what the run folders say, on both databases, whatever is killed in between."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import sqlalchemy as sql
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from harness.core.errors import HarnessError
from harness.core.trends import points_of
from harness.core.values import Metric, Record, RunStatus
from harness.store import RunFolder, create_run, load_records
from harness.store import database as database_module
from harness.store.database import HEAD, open_engine, reading
from harness.store.index import open_index, rebuild
from harness.store.tables import metadata, metrics, runs
from tests.conftest import REPOSITORY
from tests.core.examples import QUIET, accuracy_recipe, speed_recipe
from tests.store.databases import Server, dump
from tests.store.writer import named

TOP1 = accuracy_recipe().metrics[0]
SPEED = speed_recipe().metrics[0]


def stored(state: Path, *found: Record) -> list[Record]:
    for run in found:
        create_run(state, run.id).finish(run)
    return load_records(state)


def count(url: str, state: Path) -> tuple[int, int]:
    engine = open_engine(url, state)
    with reading(engine) as connection:
        said = [
            connection.execute(sql.select(sql.func.count()).select_from(table)).scalar() for table in (runs, metrics)
        ]
    engine.dispose()
    return int(said[0] or 0), int(said[1] or 0)


RUNS = (
    named(1),
    named(2, metrics={"top1": math.nan, "loss": math.inf}),
    named(3, metrics={}),
    named(4, metrics={"top1": -math.inf, "samples_per_second": 0.1 + 0.2}, machine=None, settings={}, measurement={}),
    named(5, status=RunStatus.CRASHED, reason="it <died>\nbadly", seconds=1e-9),
    named(6, recipe="speed", mode="speed", metrics={"samples_per_second": 5e-324}),
    named(7, recipe="speed", mode="speed", metrics={"samples_per_second": 2.0},
          measurement={**QUIET, "wait_share": 0.5}),
    named(8, recipe="speed", mode="speed", metrics={"samples_per_second": 3.0}, settings={"device": "cuda"},
          measurement={**QUIET, "cpu_share": 0.1}),
    named(9, recipe="speed", mode="speed", metrics={"samples_per_second": 3.0}, measurement={"cpu_share": 0.9}),
    named(10, night="20260101T220000-abcd", digests={}),
    replace(named(11), job=replace(named(11).job, seed=2**80, model="other")),
    named(12, reason="NUL \x00, half a pair \ud800, \N{SNOWMAN}", metrics={"m\x00": 1.0, "\udfff": 2.0}),
)  # fmt: skip


@pytest.mark.parametrize(("recipe", "metric"), [("digits", TOP1), ("digits", SPEED), ("speed", SPEED), ("none", TOP1)])
def test_a_history_is_what_the_records_say(tmp_path: Path, url: str, recipe: str, metric: Metric) -> None:
    records = [run for run in stored(tmp_path, *RUNS) if run.job.model == "toy"]
    wanted = points_of(records, replace(accuracy_recipe(), name=recipe), metric)
    with open_index(tmp_path, url) as index:
        index.catch_up()
        found = index.history("toy", recipe, metric.name)
    assert repr(found) == repr(wanted)  # NaN is not equal to itself; its repr is
    assert found or recipe == "none"


def test_a_run_that_is_added_again_is_one_row(tmp_path: Path, url: str) -> None:
    for _ in range(3):
        with open_index(tmp_path, url) as index:
            index.add(RUNS[0].id, RUNS[0])
            index.add(RUNS[0].id, RUNS[1])
    assert count(url, tmp_path) == (1, 1)


def test_a_rebuilt_index_is_identical_and_so_is_that_of_the_other_database(tmp_path: Path, url: str) -> None:
    stored(tmp_path, *RUNS)
    with open_index(tmp_path, url) as index:
        for run in reversed(RUNS):
            index.add(run.id, run)
    by_hand = dump(url, tmp_path)
    assert len(by_hand.splitlines()) == len(RUNS) + sum(len(run.metrics) for run in RUNS)
    assert rebuild(tmp_path, url) == {}
    assert dump(url, tmp_path) == by_hand
    assert rebuild(tmp_path, f"sqlite:///{tmp_path}/deep/other.db") == {}
    assert dump(f"sqlite:///{tmp_path}/deep/other.db", tmp_path) == by_hand


def test_folders_that_come_and_go_are_followed(tmp_path: Path, url: str) -> None:
    with open_index(tmp_path, url) as index:
        assert index.catch_up() == {}
        first, second, third = (create_run(tmp_path, RUNS[number].id) for number in (0, 1, 9))
        first.finish(RUNS[0])
        third.finish(RUNS[9])
        (tmp_path / "runs" / "a stray file").write_text("")
        index.catch_up()
        assert index.ids() == [first.id, third.id]  # the second one goes on
        second.finish(RUNS[1])
        (first.path / "record.json").unlink()
        first.path.rmdir()
        index.catch_up()
        assert index.ids(model="toy") == [second.id, third.id]
        assert index.ids(night="20260101T220000-abcd") == [third.id]
        assert index.ids(model="other") == []
    assert count(url, tmp_path) == (2, 3)


def test_a_damaged_record_stands_in_nobodys_way_but_its_models(tmp_path: Path, url: str) -> None:
    stored(tmp_path, RUNS[0])
    damaged = create_run(tmp_path, RUNS[1].id)
    (damaged.path / "record.json").write_text('{"id": ')
    with open_index(tmp_path, url) as index:
        assert set(index.catch_up()) == {damaged.id}
        assert set(index.catch_up(needs="other")) == {damaged.id}
        assert index.ids() == [RUNS[0].id]
        with pytest.raises(HarnessError, match="not a record"):
            index.catch_up(needs="toy")
    assert set(rebuild(tmp_path, url)) == {damaged.id}


def test_many_runs_are_said_and_added(tmp_path: Path, url: str) -> None:
    (run,) = stored(tmp_path, RUNS[0])
    text = (Path(run.path) / "record.json").read_text()
    for number in range(220):
        folder = tmp_path / "runs" / named(1000 + number).id
        folder.mkdir()
        (folder / "record.json").write_text(text)
    told: list[str] = []
    with open_index(tmp_path, url) as index:
        index.catch_up(told.append)
        assert len(index.ids()) == 221
    assert told == ["indexing up to 221 runs"]


def test_the_migrations_make_the_tables_that_the_code_uses(tmp_path: Path, url: str) -> None:
    folder = Path(database_module.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_current_head() == HEAD
    with open_index(tmp_path, url):
        pass
    engine = open_engine(url, tmp_path)
    with reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_an_index_of_another_version_says_so_and_can_be_made_again(tmp_path: Path, url: str) -> None:
    stored(tmp_path, *RUNS)
    rebuild(tmp_path, url)
    engine = open_engine(url, tmp_path)
    with engine.begin() as connection:
        connection.execute(sql.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(HarnessError, match="another version") as told, open_index(tmp_path, url):
        pass
    assert "harness index rebuild" in told.value.hint
    rebuild(tmp_path, url)
    assert count(url, tmp_path)[0] == len(RUNS)


def test_a_database_is_the_index_of_one_workspace(tmp_path: Path, server: Server) -> None:
    url = server.new_database()
    stored(tmp_path / "one", *RUNS)
    rebuild(tmp_path / "one", url)
    for ask in (lambda: open_index(tmp_path / "two", url).__enter__(), lambda: rebuild(tmp_path / "two", url)):
        with pytest.raises(HarnessError, match="of another workspace"):
            ask()
    (tmp_path / "one").rename(tmp_path / "moved")
    with open_index(tmp_path / "moved", url) as index:
        assert index.catch_up() == {}
        assert len(index.ids()) == len(RUNS)


@pytest.mark.parametrize(
    "spoil", [b"not a database at all, but long enough to be read as one" * 100, b"SQLite format 3\x00"]
)
def test_a_damaged_file_says_so_and_can_be_made_again(tmp_path: Path, spoil: bytes) -> None:
    stored(tmp_path, *RUNS)
    rebuild(tmp_path, "")
    path = tmp_path / "index.db"
    path.write_bytes(spoil + path.read_bytes()[len(spoil) :] if len(spoil) > 100 else spoil * 1000)
    with pytest.raises(HarnessError, match=r"index\.db") as told, open_index(tmp_path, "") as index:
        index.catch_up()
    assert "harness index rebuild" in told.value.hint
    rebuild(tmp_path, "")
    assert count("", tmp_path)[0] == len(RUNS)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nonsense", "cannot be read"),
        ("mysql://root@localhost/x", "neither"),
        ("sqlite://", "neither"),
        ("oracle+nodriver://u:secret@h/x", "neither"),
        ("postgresql+psycopg://harness:secret@/x?host=/nowhere", "No such file"),
        ("sqlite:////proc/none/index.db", "unable to open"),
    ],
)
def test_a_url_that_leads_nowhere_is_told_without_its_password(tmp_path: Path, url: str, told: str) -> None:
    with pytest.raises(HarnessError, match=told) as caught, open_index(tmp_path, url):
        pass
    assert caught.value.hint
    assert "secret" not in str(caught.value)


@contextmanager
def writer(state: Path, url: str, number: int, count: int) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.store.writer", str(state), url, str(number), str(count)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    ) as process:
        yield process
        process.kill()


def lines(process: subprocess.Popen[str], count: int = 100_000) -> list[str]:
    """The next ``count`` lines, or those that are left; a line that kill -9 cut short is none."""
    assert process.stdout
    return [line.strip() for line in islice(process.stdout, count) if line.endswith("\n")]


def assert_nothing_is_lost(state: Path, url: str, told: list[str]) -> None:
    """What was said to be in is in; what is in a folder comes in; and a rebuild finds the same."""
    with open_index(state, url) as index:
        assert set(told) <= set(index.ids())
        index.catch_up()
        assert index.ids() == [
            path.name for path in sorted((state / "runs").glob("*")) if (path / "record.json").exists()
        ]
    caught_up = dump(url, state)
    rebuild(state, url)
    assert dump(url, state) == caught_up


def test_writers_that_begin_at_once_lose_nothing(tmp_path: Path, url: str) -> None:
    """They also find no tables, and all want to make them."""
    with (
        writer(tmp_path, url, 0, 8) as one,
        writer(tmp_path, url, 1, 8) as two,
        writer(tmp_path, url, 2, 8) as three,
    ):
        told = [line for each in (one, two, three) for line in lines(each)]
    assert not [line for line in told if line.startswith("!")]
    assert len(told) == 24
    assert count(url, tmp_path) == (24, 24 * 30)


def test_kill_9_of_writers_loses_nothing_and_counts_nothing_twice(tmp_path: Path, url: str) -> None:
    with writer(tmp_path, url, 0, 100_000) as one, writer(tmp_path, url, 1, 100_000) as two:
        told = [*lines(one, 5), *lines(two, 5)]
        for each in (one, two):
            each.send_signal(signal.SIGKILL)
        told += [*lines(one), *lines(two)]
    assert_nothing_is_lost(tmp_path, url, told)


def test_kill_9_of_postgresql_in_mid_write_loses_nothing_and_counts_nothing_twice(
    tmp_path: Path, server: Server
) -> None:
    url = server.new_database()
    with writer(tmp_path, url, 0, 100_000) as process:
        told = lines(process, 10)
        server.kill()
        while not (line := lines(process, 1)[0]).startswith("!"):
            told.append(line)
        process.send_signal(signal.SIGSTOP)  # it need not make runs while the server comes back
        server.start()
        process.send_signal(signal.SIGCONT)
        while (line := lines(process, 1)[0]).startswith("!"):
            pass  # the runs go on; only their index did not answer
        told.append(line)
    assert_nothing_is_lost(tmp_path, url, told)


def test_an_export_of_the_past_is_not_needed(tmp_path: Path, url: str) -> None:
    """Records of before the index: the first question adds them."""
    (run,) = stored(tmp_path, RUNS[0])
    raw = json.loads((RunFolder(Path(run.path)).path / "record.json").read_text())
    del raw["night"]
    (Path(run.path) / "record.json").write_text(json.dumps(raw))
    with open_index(tmp_path, url) as index:
        index.catch_up()
        assert index.ids() == [run.id]
