"""Index, export and import with the real command line; the store may be away while a run is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.store.index import open_index, rebuild
from tests.conftest import Workspace
from tests.store.databases import PROGRAMS, Server, dump

AWAY = "postgresql://harness:secret@/x?host=/nowhere"


@pytest.fixture
def other(tmp_path: Path) -> Workspace:
    root = tmp_path / "other"
    root.mkdir()
    return Workspace(root)


def ids(workspace: Workspace) -> list[str]:
    return [path.name for path in workspace.runs()]


def test_runs_move_to_another_machine_and_count_there(workspace: Workspace, other: Workspace) -> None:
    workspace.add_toy()
    other.add_toy()
    archive = str(workspace.root / "runs.tar.gz")
    assert workspace.harness("run", "toy", "--seeds", "2").returncode == 4
    assert workspace.harness("runs", "export", archive, "--model", "resnet50").returncode == 2
    exported = workspace.harness("runs", "export", archive, "--model", "toy", "--json")
    assert exported.json["runs"] == ids(workspace)
    imported = other.harness("runs", "import", archive, "--json")
    assert imported.json["imported"] == ids(workspace)
    assert dump("", other.state) == dump("", workspace.state)
    again = other.harness("runs", "import", archive)
    assert (again.returncode, again.stdout) == (0, "0 run(s) imported, 2 were here already\n")
    assert f"{ids(workspace)[0]} is here already" in again.stderr
    told = [each.harness("history", "toy", "--json").json["history"] for each in (workspace, other)]
    assert told[0] == told[1]
    Path(archive).write_bytes(Path(archive).read_bytes()[:-100])
    damaged = other.harness("runs", "import", archive)
    assert (damaged.returncode, damaged.stdout) == (3, "")
    assert "nothing was imported" in damaged.stderr


def test_a_store_that_does_not_answer_costs_no_run(workspace: Workspace) -> None:
    workspace.add_toy()
    (workspace.root / "harness.toml").write_text(f'[store]\nurl = "{AWAY}"\n')
    ended = workspace.harness("run", "toy", "--json")
    assert ended.returncode == 4
    told = " ".join(ended.stderr.split())  # lines of progress are folded
    assert f"{ids(workspace)[0]} is stored but not yet in the index: store postgresql" in told
    assert "secret" not in ended.stderr
    asked = workspace.harness("history", "toy")
    assert asked.returncode == 3
    assert "no run is lost" in asked.stderr
    (workspace.root / "harness.toml").unlink()
    assert workspace.harness("history", "toy", "--json").json["history"][0]["runs"] == [1]


def test_rebuild_makes_the_same_index_and_names_what_cannot_be_read(workspace: Workspace) -> None:
    workspace.add_toy()
    assert workspace.harness("run", "toy", "--seeds", "2").returncode == 4
    before = dump("", workspace.state)
    assert before.count("\n") >= 4
    assert workspace.harness("index", "rebuild", "--json").json["runs"] == 2
    assert dump("", workspace.state) == before
    (workspace.runs()[0] / "record.json").write_text("{")
    ended = workspace.harness("index", "rebuild", "--json")
    assert ended.returncode == 3
    assert ended.json["unreadable"] == [ids(workspace)[0]]
    assert "not a record" in " ".join(ended.stderr.split())


@pytest.mark.skipif(PROGRAMS is None, reason="no PostgreSQL below /usr/lib/postgresql: apt-get install postgresql")
def test_a_workspace_may_have_its_index_in_postgresql(workspace: Workspace) -> None:
    assert PROGRAMS
    server = Server(PROGRAMS)
    server.start()
    try:
        url = server.new_database()
        workspace.add_toy()
        assert workspace.harness("run", "toy", HARNESS_STORE_URL=url).returncode == 4
        with open_index(workspace.state, url) as index:
            assert index.ids() == ids(workspace)  # before anybody caught up
        told = workspace.harness("history", "toy", "--json", HARNESS_STORE_URL=url)
        assert told.json["history"][0]["runs"] == [1]
        assert not (workspace.state / "index.db").exists()
        rebuild(workspace.state, "")
        assert dump("", workspace.state) == dump(url, workspace.state)
    finally:
        server.stop()
        server.remove()
