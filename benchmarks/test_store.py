"""100,000 runs of 30 metrics in the index: ``pytest benchmarks/test_store.py --benchmark-enable``.

Targets: a model's history in 10 ms, a run added in 5 ms.  Medians on two quiet cores of an AMD EPYC (2026-11-29):
a metric's history 9.1 ms and a speed's 11.9 in SQLite, 21 and 22 in PostgreSQL; a run added in 2.3 and 4.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sql
from pytest_benchmark.fixture import BenchmarkFixture

from harness.core.values import Record
from harness.store import run_folders
from harness.store.database import open_engine, writing
from harness.store.index import Index, open_index
from harness.store.tables import job_number, run_row, runs
from tests.core.examples import record
from tests.store.databases import PROGRAMS, Server

MODELS, ENVIRONMENTS, NIGHTS, METRICS = 50, 10, 200, 30
AT_ONCE = 10_000


def named(number: int) -> Record:
    night, cell = divmod(number, MODELS * ENVIRONMENTS)
    model, environment = divmod(cell, ENVIRONMENTS)
    run = record(metrics={f"metric-{each:02d}": each / 7 for each in range(METRICS)}, started=1.7e9 + 86400 * night)
    job = replace(run.job, model=f"model-{model:02d}", environment=f"framework-2.{environment}")
    return replace(run, job=job, id=f"2026{number:06d}T000000-{job.model}-digits-{job.environment}-s0-abcdef")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    state = tmp_path_factory.mktemp("state")
    server = None
    if request.param == "postgresql":
        if PROGRAMS is None:
            pytest.skip("no PostgreSQL below /usr/lib/postgresql")
        server = Server(PROGRAMS)
        server.start()
    url = server.new_database() if server else ""
    with open_index(state, url) as opened:
        fill(state, url)
        yield opened
    if server:
        server.stop()
        server.remove()


def fill(state: Path, url: str) -> None:
    engine = open_engine(url, state)
    total = MODELS * ENVIRONMENTS * NIGHTS
    for start in range(0, total, AT_ONCE):
        rows = [run_row(run.id, run) for run in map(named, range(start, start + AT_ONCE))]
        with writing(engine) as connection:
            connection.execute(runs.insert(), rows)
        for row in rows:
            (state / "runs" / row["id"]).mkdir(parents=True)
    jobs = " UNION ALL ".join(
        f"SELECT 'model-{model:02d}' AS model, {job_number(f'model-{model:02d}', 'digits')} AS job"
        for model in range(MODELS)
    )
    names = " UNION ALL ".join(f"SELECT 'metric-{each:02d}' AS name, {each} AS each" for each in range(METRICS))
    with writing(engine) as connection:
        connection.execute(
            sql.text(
                "INSERT INTO metrics (run, name, value, job) SELECT number, name, number * each / 7.0, job"
                f" FROM runs JOIN ({jobs}) AS jobs ON jobs.model = runs.model CROSS JOIN ({names}) AS named"
                " ORDER BY number, name"
            )
        )
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sql.text("VACUUM ANALYZE"))  # as autovacuum does within a minute
    engine.dispose()


def test_the_history_of_a_model(benchmark: BenchmarkFixture, index: Index) -> None:
    found = benchmark(index.history, "model-07", "digits", "metric-03")
    assert len(found) == ENVIRONMENTS * NIGHTS


def test_the_history_of_a_speed(benchmark: BenchmarkFixture, index: Index) -> None:
    """With the shares that tell a disturbed run."""
    found = benchmark(index.history, "model-07", "digits", "samples_per_second")
    assert len(found) == ENVIRONMENTS * NIGHTS


def test_adding_a_run(benchmark: BenchmarkFixture, index: Index) -> None:
    numbers = count(500_000)

    def fresh() -> tuple[tuple[str, Record], dict[str, object]]:
        run = named(next(numbers) % 900_000)
        return (run.id, run), {}

    benchmark.pedantic(index.add, setup=fresh, rounds=200, warmup_rounds=5)  # type: ignore[no-untyped-call]


def test_catching_up_where_nothing_is_new(benchmark: BenchmarkFixture, index: Index) -> None:
    index.catch_up()  # removes the runs without folders that were added above
    assert benchmark(index.catch_up) == {}
    assert len(index.ids(model="model-07")) == ENVIRONMENTS * NIGHTS


def test_finding_the_folders_of_a_job(benchmark: BenchmarkFixture, index: Index) -> None:
    """What last_seconds does, without the index."""
    state = index._state
    found = benchmark(run_folders, state, containing="-model-07-digits-framework-2.3-s")
    assert len(found) == NIGHTS
