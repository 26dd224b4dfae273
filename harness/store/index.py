"""An index over the run folders, for questions that would otherwise read every record.

The folders are the facts: a row is only ever made from a folder's record, and the whole index can be made
again.  SQLAlchemy comes with this module, not with ``harness.store``: what asks nothing does not wait for it.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path

import sqlalchemy as sql
from filelock import FileLock
from sqlalchemy.dialects import postgresql, sqlite

from harness.core.disturbance import disturbed
from harness.core.errors import HarnessError
from harness.core.values import Point, Record, RunStatus
from harness.store.database import open_engine, prepare, reading, shown, start_over, writing
from harness.store.folders import RunFolder, disk_faults, run_names, write_whole
from harness.store.tables import SHARES, job_number, metric_rows, metrics, run_row, runs
from harness.wire import SPEED

AT_ONCE = 200  # runs in one transaction, while many are added: others wait for a fraction of a second only
Say = Callable[[str], None]


class Index:
    """Made by ``open_index``.  Every method raises HarnessError when the database does not answer."""

    def __init__(self, engine: sql.Engine, state: Path) -> None:
        self._engine = engine
        self._state = state

    @property
    def url(self) -> str:
        """Without its password."""
        return shown(self._engine.url)

    def add(self, run_id: str, record: Record) -> None:
        """In one transaction; a run that is there already stays as it is."""
        self._add([(run_id, record)])

    def catch_up(self, say: Say | None = None, *, needs: str = "") -> dict[str, HarnessError]:
        """Add the runs whose folders the index lacks, and remove those whose folder is gone.

        What cannot be read comes back, by folder.  Raises HarnessError for a damaged record of the model
        that is called ``needs``.
        """
        with reading(self._engine) as connection:
            known = set(connection.scalars(sql.select(runs.c.id)))
        there = run_names(self._state)  # listed afterwards, so that a run added meanwhile is not taken for one gone
        self._remove(sorted(known - there))
        faults = self._add_folders(sorted(there - known), say)
        for name, fault in faults.items():
            if needs and f"-{needs}-" in name:
                raise fault
        return faults

    def history(self, model: str, recipe: str, metric: str) -> tuple[Point, ...]:
        """What ``points_of`` makes of the model's records, oldest first."""
        disturbing = (runs.c.device, runs.c.threads, *(runs.c[name] for name in SHARES)) if metric == SPEED else ()
        counted = (runs.c.status == RunStatus.FINISHED.value) & (runs.c.initial == "")
        points = sql.select(
            runs.c.id,
            runs.c.framework,
            runs.c.environment,
            runs.c.machine_class,
            runs.c.started,
            sql.case((counted, runs.c.number)),
            *disturbing,
        ).where(runs.c.model == model, runs.c.recipe == recipe)
        values = sql.select(metrics.c.run, metrics.c.value).where(
            metrics.c.job == job_number(model, recipe), metrics.c.name == metric
        )
        with reading(self._engine) as connection:
            found = connection.execute(points).all()
            told = connection.execute(values).all()  # afterwards: whoever is in the first has its metrics in the second
        if not found:
            return ()
        value = {run: said for run, said in told}  # noqa: C416 rows are no pairs to mypy
        # By columns, which is three times as fast as point by point.
        ids, frameworks, environments, classes, started, numbers, *shares = zip(
            *sorted(found, key=itemgetter(0)), strict=True
        )
        measured = map(_value, map(value.get, numbers), *shares)
        return tuple(map(Point, ids, frameworks, environments, classes, started, measured))

    def ids(self, *, model: str | None = None, night: str | None = None) -> list[str]:
        """The folders of all runs, or of those of a model and a night, oldest first."""
        wanted = [column == value for column, value in ((runs.c.model, model), (runs.c.night, night)) if value]
        with reading(self._engine) as connection:
            return sorted(connection.scalars(sql.select(runs.c.id).where(*wanted)))

    def of_weights(self, digests: Collection[str]) -> list[tuple[str, str]]:
        """(run, "final" or "initial") of every run that ended in or began with such weights, oldest first."""
        found = []
        with reading(self._engine) as connection:
            for moment in ("final", "initial"):
                column = runs.c[f"weights_{moment}"]
                query = sql.select(runs.c.id).where(column.in_(sorted(digests)))
                found += [(run, moment) for run in connection.scalars(query)]
        return sorted(found)

    def parents(self) -> list[tuple[str, str, str, str]]:
        """(run, parent, relation, initial) of every run that came from another one, oldest first."""
        query = sql.select(runs.c.id, runs.c.parent, runs.c.relation, runs.c.initial).where(
            (runs.c.parent != "") | (runs.c.initial != "")
        )
        with reading(self._engine) as connection:
            return sorted((row[0], row[1], row[2], row[3]) for row in connection.execute(query))

    def _add(self, found: Iterable[tuple[str, Record]]) -> None:
        insert = sqlite.insert if self._engine.dialect.name == "sqlite" else postgresql.insert
        statement = insert(runs).on_conflict_do_nothing(index_elements=["id"]).returning(runs.c.number)
        with writing(self._engine) as connection:
            for run_id, record in found:
                number = connection.execute(statement, run_row(run_id, record)).scalar_one_or_none()
                if number is not None and record.metrics:
                    connection.execute(metrics.insert(), metric_rows(number, record))

    def _remove(self, names: list[str]) -> None:
        for start in range(0, len(names), AT_ONCE):
            with writing(self._engine) as connection:
                connection.execute(runs.delete().where(runs.c.id.in_(names[start : start + AT_ONCE])))

    def _add_folders(self, names: list[str], say: Say | None) -> dict[str, HarnessError]:
        faults: dict[str, HarnessError] = {}
        if say and len(names) > AT_ONCE:
            say(f"indexing up to {len(names)} runs")
        for start in range(0, len(names), AT_ONCE):
            found = [(name, record) for name in names[start : start + AT_ONCE] if (record := self._load(name, faults))]
            if found:
                self._add(found)
        return faults

    def _load(self, name: str, faults: dict[str, HarnessError]) -> Record | None:
        try:
            folder = RunFolder(self._state / "runs" / name)
            return folder.load() if (folder.path / "record.json").is_file() else None
        except HarnessError as fault:
            faults[name] = fault
            return None


@contextmanager
def open_index(state: Path, url: str) -> Iterator[Index]:
    """The index of the run folders in ``state``: at ``url`` or, where that is empty, in ``state/index.db``."""
    engine = open_engine(url, state)
    try:
        prepare(engine, _workspace_id(state))
        yield Index(engine, state)
    finally:
        engine.dispose()


def rebuild(state: Path, url: str, say: Say | None = None) -> dict[str, HarnessError]:
    """Throw the index away and make it again from the folders; what cannot be read comes back, by folder."""
    engine = open_engine(url, state)
    try:
        start_over(engine, _workspace_id(state))
        return Index(engine, state).catch_up(say)
    finally:
        engine.dispose()


def _value(value: float | None, *measured: float | str | None) -> float:
    """NaN where a run that finished says nothing: as ``points_of`` counts."""
    if value is None:
        return math.nan
    if measured:
        device, threads, *shares = measured
        told = {name: share for name, share in zip(SHARES, shares, strict=True) if isinstance(share, float)}
        if disturbed(told, device=str(device), threads=int(threads or 0)):
            return math.nan
    return value


def _workspace_id(state: Path) -> str:
    """A name that was given once to this state folder and moves with it."""
    path = state / "workspace.id"
    if not path.exists():
        with disk_faults(path):
            state.mkdir(parents=True, exist_ok=True)
            with FileLock(state / "workspace.lock"):
                if not path.exists():
                    write_whole(path, secrets.token_hex(8) + "\n")
    return path.read_text(encoding="utf-8").strip()
