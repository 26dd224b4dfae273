"""Every test of the index runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.store.databases import PROGRAMS, Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    if PROGRAMS is None:
        pytest.skip("no PostgreSQL below /usr/lib/postgresql: apt-get install postgresql")
    found = Server(PROGRAMS)
    found.start()
    yield found
    found.stop()
    found.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Of an empty store; "" is the file that a workspace uses by itself."""
    if request.param == "sqlite":
        return ""
    found: Server = request.getfixturevalue("server")
    return found.new_database()
