"""The database behind the index, SQLite or PostgreSQL: opened, migrated, and its faults in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DBAPIError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)

from harness.core.errors import HarnessError
from harness.store.tables import metadata, workspace

HEAD = "0004"  # the newest of migrations/versions
BUSY_SECONDS = 30  # how long a writer waits for the others
MAPPED_BYTES = 2**32  # of SQLite's file, read in place: a third faster for a history out of 100,000 runs
MIGRATION_LOCK = 0x6861726E  # any number that no other program takes: "harn"
EXAMPLES = "sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
POSTGRESQL = {
    "connect_timeout": "5",  # a night does not wait for a server that is gone
    "tcp_user_timeout": str(1000 * BUSY_SECONDS),
    "application_name": "harness",
}


def open_engine(url: str, state: Path) -> sql.Engine:
    """``url`` or, where it is empty, ``index.db`` in ``state``.  Connects to nothing yet."""
    with _url_faults():
        where = _read_url(url, state)
        if where.get_backend_name() == "sqlite":
            with suppress(OSError):  # SQLite says itself what it cannot open
                Path(str(where.database)).parent.mkdir(parents=True, exist_ok=True)
            engine = sql.create_engine(where)
            sql.event.listen(engine, "connect", _set_up_sqlite)
            sql.event.listen(engine, "begin", _begin_sqlite)
            return engine
        settings = {name: value for name, value in POSTGRESQL.items() if name not in where.query}
        return sql.create_engine(where, connect_args=settings, pool_pre_ping=True)  # it may have been started anew


def _read_url(url: str, state: Path) -> sql.URL:
    where = sql.make_url(url or f"sqlite:///{state / 'index.db'}")
    match where.get_backend_name():
        case "sqlite" if where.database and where.database != ":memory:":
            return where.set(database=str(state.parent / where.database))  # an absolute path stays what it is
        case "postgresql":
            return where.set(drivername="postgresql+psycopg")
    raise HarnessError(
        f"store {where.render_as_string()}: neither a file of SQLite nor PostgreSQL", hint=f"write {EXAMPLES}"
    )


def _set_up_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions begin where _begin_sqlite says, not where the driver thinks
    connection.execute(f"PRAGMA busy_timeout = {1000 * BUSY_SECONDS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: sql.Connection) -> None:
    """A writer takes the lock at once: one that began as a reader could not wait for it."""
    reads = connection.get_execution_options().get("reads")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


@contextmanager
def reading(engine: sql.Engine) -> Iterator[sql.Connection]:
    with database_faults(engine), engine.connect().execution_options(reads=True) as connection:
        yield connection


@contextmanager
def writing(engine: sql.Engine) -> Iterator[sql.Connection]:
    """One transaction: all of it, or nothing."""
    with database_faults(engine), engine.begin() as connection:
        yield connection


def prepare(engine: sql.Engine, owner: str) -> None:
    """Bring the tables to ``HEAD`` and note whose they are; processes that begin at once do it once.

    Raises HarnessError where the database is the index of another workspace.
    """
    with reading(engine) as connection:
        if _revision(connection) == HEAD and _owner(connection) == owner:
            return
    with writing(engine) as connection:
        _lock_out_others(connection)
        if _revision(connection) != HEAD:
            _upgrade(connection)
        _claim(connection, owner)


def start_over(engine: sql.Engine, owner: str) -> None:
    """Empty tables, whatever was there before: older, newer or damaged ones."""
    if engine.dialect.name == "sqlite" and _damaged(engine):
        _remove_sqlite(engine)
    with writing(engine) as connection:
        _lock_out_others(connection)
        if sql.inspect(connection).has_table(workspace.name):
            _claim(connection, owner)
        metadata.drop_all(connection)
        connection.execute(sql.text("DROP TABLE IF EXISTS alembic_version"))
        _upgrade(connection)
        _claim(connection, owner)


def _claim(connection: sql.Connection, owner: str) -> None:
    found = _owner(connection)
    if found is None:
        connection.execute(workspace.insert().values(id=owner))
    elif found != owner:
        raise HarnessError(
            f"store {shown(connection.engine.url)}: the index of another workspace",
            hint="give each workspace a database of its own: url in [store] of harness.toml, or HARNESS_STORE_URL",
        )


def _owner(connection: sql.Connection) -> str | None:
    return connection.execute(sql.select(workspace.c.id)).scalar_one_or_none()


def _revision(connection: sql.Connection) -> str | None:
    if not sql.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sql.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _upgrade(connection: sql.Connection) -> None:
    """Run the migrations within the caller's transaction."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise HarnessError(
            f"store {shown(connection.engine.url)}: made by another version of the harness: {error}",
            hint="use that version, or make the index again: harness index rebuild",
        ) from error


def _lock_out_others(connection: sql.Connection) -> None:
    """Until the transaction ends nobody else migrates.  SQLite's writers lock each other out anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sql.select(sql.func.pg_advisory_xact_lock(MIGRATION_LOCK)))


def _damaged(engine: sql.Engine) -> bool:
    try:
        with engine.connect().execution_options(reads=True) as connection:
            return bool(connection.exec_driver_sql("PRAGMA quick_check").scalar() != "ok")
    except OperationalError:
        return False  # locked, or not to be opened: to remove it would not help
    except DatabaseError:
        return True


def _remove_sqlite(engine: sql.Engine) -> None:
    """Delete the file and what belongs to it."""
    engine.dispose()  # a connection that is kept would go on with the deleted file
    for ending in ("", "-wal", "-shm"):
        Path(f"{engine.url.database}{ending}").unlink(missing_ok=True)


def shown(url: sql.URL) -> str:
    """Without its password."""
    return url.render_as_string()


@contextmanager
def _url_faults() -> Iterator[None]:
    try:
        yield
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise HarnessError(f"the store's url cannot be read: {error}", hint=f"write {EXAMPLES}") from error
    except ModuleNotFoundError as error:
        hint = "install it: pip install 'benchmark-harness[postgres]'"
        raise HarnessError(f"the store's url wants {error.name}, which is not installed", hint=hint) from error


@contextmanager
def database_faults(engine: sql.Engine) -> Iterator[None]:
    """Turn what the database complains about into an error that says where and what to do."""
    try:
        yield
    except SQLAlchemyError as error:
        said = str(error.orig if isinstance(error, DBAPIError) else error).strip().splitlines()
        raise HarnessError(
            f"store {shown(engine.url)}: {said[0] if said else type(error).__name__}",
            hint="no run is lost: the folders hold them; if the database stays ill: harness index rebuild",
            code=3,
        ) from error
