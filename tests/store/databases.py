"""A real PostgreSQL of Debian's, and the logical dump that two indexes are compared by."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg
import sqlalchemy as sql
from psycopg.sql import SQL, Identifier

from harness.store.database import open_engine, reading
from harness.store.tables import metrics, runs

PROGRAMS = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None, key=lambda path: int(path.parent.name))
ACCOUNT = "postgres"  # PostgreSQL refuses to run as root
PATIENCE_SECONDS = 120
SETTINGS = ("-c", "listen_addresses=", "-c", "recovery_init_sync_method=syncfs")  # one sync, not one a file


class Server:
    """A server in a folder of its own, reached by a socket there: no port can be taken."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._account = ACCOUNT if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="harness-postgresql-"))
        if self._account:
            shutil.chown(self.folder, self._account, self._account)
        made = self._launch("initdb", "--auth=trust", "--username=harness", "--encoding=UTF8", "--locale=C.UTF-8")
        assert made.wait(120) == 0, self._said()

    def _launch(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / "said").open("ab") as said:
            return subprocess.Popen(
                [str(self._programs / program), "-D", str(self.folder / "data"), *arguments],
                stdout=said,
                stderr=said,
                cwd="/",
                user=self._account,
                group=self._account,
                extra_groups=[] if self._account else None,
            )

    def _said(self) -> str:
        return (self.folder / "said").read_text()

    def start(self) -> None:
        self._process = self._launch("postgres", "-k", str(self.folder), *SETTINGS)
        ends = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self._connect().close()
            except psycopg.OperationalError:
                assert self._process.poll() is None, self._said()
                assert time.monotonic() < ends, self._said()
                time.sleep(0.05)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(PATIENCE_SECONDS)

    def kill(self) -> None:
        """kill -9 of the server and of every process that serves somebody."""
        children = psutil.Process(self._process.pid).children()
        self._process.kill()
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        self._process.wait(PATIENCE_SECONDS)
        psutil.wait_procs(children, PATIENCE_SECONDS)  # they hold the memory that the next server wants

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(f"host={self.folder} user=harness dbname=postgres", autocommit=True)

    def remove(self) -> None:
        shutil.rmtree(self.folder)

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"h{uuid4().hex}"
        with self._connect() as connection:
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        return f"postgresql+psycopg://harness@/{name}?host={self.folder}"


def dump(url: str, state: Path) -> str:
    """Everything that the index says, without the numbers that tie rows together."""
    engine = open_engine(url, state)
    with reading(engine) as connection:
        rows = connection.execute(sql.select(runs)).mappings().all()
        names = {row["number"]: row["id"] for row in rows}
        values = [(names[run], *told) for run, *told in connection.execute(sql.select(metrics))]
    engine.dispose()
    lines = [{name: value for name, value in row.items() if name != "number"} for row in rows]
    return _lines([[row["id"], row] for row in lines]) + _lines(values)


def _lines(rows: Sequence[Sequence[object]]) -> str:
    return "".join(sorted(json.dumps(row, sort_keys=True) + "\n" for row in map(list, rows)))
