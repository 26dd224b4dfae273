"""``harness nightly`` and ``harness status``: the plan of harness.toml, and what an unattended machine needs."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from harness.store.index import rebuild
from tests.commands.test_run import BASELINE, wait_for_epochs
from tests.conftest import Workspace
from tests.store.databases import PROGRAMS, Server, dump

PLAN = """
[nightly]
models = ["toy"]
environments = ["numpy-2.4"]
max_seeds = 1
"""


@pytest.fixture
def planned(workspace: Workspace) -> Workspace:
    workspace.add_toy("hang")
    (workspace.root / "baselines").mkdir()
    (workspace.root / "baselines" / "toy.toml").write_text(BASELINE)
    (workspace.root / "harness.toml").write_text(PLAN)
    return workspace


@pytest.fixture
def inbox() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An address as apprise reads it, and what was posted there."""
    posted: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"json://127.0.0.1:{server.server_port}", posted
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_night_is_run_and_one_message_says_how_it_ended(
    planned: Workspace, inbox: tuple[str, list[dict[str, Any]]]
) -> None:
    address, posted = inbox
    (planned.root / "harness.toml").write_text(f'{PLAN}notify = ["{address}"]\n')
    assert planned.harness("status").returncode == 3
    ended = planned.harness("nightly", "--json")
    assert ended.returncode == 0, ended.stderr
    (message,) = posted
    assert message["title"] == f"night {ended.json['night']['id']}: 1 PASS"
    assert ended.json["report"] in message["message"]
    well = planned.harness("status", "--max-age", "1h", "--json")
    assert well.returncode == 0
    assert well.json["night"] == ended.json["night"]["id"]
    late = planned.harness("status", "--max-age", "0.00001h")
    assert late.returncode == 3
    assert "more than" in late.stdout


def test_a_message_that_cannot_be_sent_changes_no_exit_code(planned: Workspace) -> None:
    (planned.root / "harness.toml").write_text(f'{PLAN}notify = ["json://127.0.0.1:9", "nonsense"]\n')
    ended = planned.harness("nightly")
    assert ended.returncode == 0, ended.stderr
    assert "could not be sent" in ended.stderr


def test_a_stopped_night_is_gone_on_with_and_a_finished_one_is_not(planned: Workspace) -> None:
    (planned.root / "harness.toml").write_text(f'{PLAN}recipes = ["fine", "bad"]\n')
    process = subprocess.Popen(planned.command("nightly"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for_epochs(planned, "-bad-")
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 130
    (first,) = (path.name for path in (planned.state / "nights").iterdir() if path.is_dir())
    assert planned.harness("status").returncode == 3

    toml = planned.root / "models" / "toy" / "model.toml"
    toml.write_text(toml.read_text().replace('"hang"', '"fine"'))
    ended = planned.harness("nightly", "--json")
    assert f"night {first} was not brought to its end" in ended.stderr
    assert ended.json["night"]["id"] == first
    assert len([run for run in planned.runs() if "-fine-" in run.name]) == 1
    assert planned.harness("nightly", "--json").json["night"]["id"] != first


@pytest.mark.skipif(PROGRAMS is None, reason="no PostgreSQL below /usr/lib/postgresql: apt-get install postgresql")
def test_kill_9_of_postgresql_and_of_the_night_loses_nothing_and_counts_nothing_twice(planned: Workspace) -> None:
    assert PROGRAMS
    server = Server(PROGRAMS)
    server.start()
    try:
        url = server.new_database()
        (planned.root / "harness.toml").write_text(f'{PLAN}recipes = ["fine", "bad"]\n[store]\nurl = "{url}"\n')
        process = subprocess.Popen(planned.command("nightly"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_epochs(planned, "-bad-")
        server.kill()
        process.kill()
        process.wait(60)
        toml = planned.root / "models" / "toy" / "model.toml"
        toml.write_text(toml.read_text().replace('"hang"', '"fine"'))
        ended = planned.harness("nightly", "--json")  # while the server is still down
        assert {cell["state"] for cell in ended.json["night"]["cells"]} == {"done"}
        assert "not yet in the index" in ended.stderr
        runs = [(run["recipe"], run["seed"]) for run in ended.json["runs"]]
        assert sorted(runs) == [("bad", 0), ("fine", 0)]
        server.start()
        followed = planned.harness("history", "toy", "--json").json["history"]
        assert {series["recipe"]: series["runs"] for series in followed} == {"fine": [1], "bad": [1]}
        rebuild(planned.state, "")
        assert dump("", planned.state) == dump(url, planned.state)
    finally:
        server.stop()
        server.remove()


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("[nightly]\nmodel = ['toy']\n", "nightly.model"),
        ("[nightly]\nbudget_minutes = 0\n", "nightly.budget_minutes"),
        ("[nightly]\nmodels = ['tyo']\n", "unknown model 'tyo'"),
    ],
)
def test_a_wrong_plan_is_refused_before_anything_runs(planned: Workspace, toml: str, told: str) -> None:
    (planned.root / "harness.toml").write_text(toml)
    ended = planned.harness("nightly")
    assert ended.returncode == 2
    assert told in ended.stderr
    assert not planned.runs()


def test_an_age_that_is_none_is_told_so(planned: Workspace) -> None:
    ended = planned.harness("status", "--max-age", "yesterday")
    assert ended.returncode == 2
    assert "a number and m, h or d" in ended.stderr
