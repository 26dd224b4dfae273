from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

from harness.core.errors import HarnessError
from harness.environments import build, current, find_built, install_package, load_environment, lock, remove
from tests.environments.conftest import Place
from tests.environments.wheels import guarded_index, make_wheel, write_environment

ROOT = Path(__file__).parents[2]
BUILD = """
import sys
from pathlib import Path
from harness.environments import build, load_environment
shelf, state = Path(sys.argv[1]), Path(sys.argv[2])
say = lambda line: print("said", line, flush=True)
built = build(load_environment([shelf], "tiny"), shelves=[shelf], state=state, say=say)
print("built" if built.seconds else "found", built.python)
"""


def silent(_line: str) -> None:
    pass


@contextmanager
def building(place: Place) -> Iterator[subprocess.Popen[str]]:
    """Another process that asks for the environment, in a group of its own."""
    with subprocess.Popen(
        [sys.executable, "-c", BUILD, str(place.shelf), str(place.state)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        yield process


def heard(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout is not None
    return next(line for line in process.stdout if words in line)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_environment_is_built_once_and_found_at_once(place: Place) -> None:
    lock("tiny", shelves=[place.shelf])
    environment = load_environment([place.shelf], "tiny")
    assert find_built(environment, place.state) is None

    built = build(environment, shelves=[place.shelf], state=place.state, say=silent)
    again = build(environment, shelves=[], state=place.state, say=silent)  # no toml, no lock, no uv is looked at

    code = "import tinything, sys; print(tinything.version, sys.version_info[:2])"
    assert subprocess.check_output([built.python, "-c", code], text=True) == "1.0 (3, 11)\n"
    assert built.packages == {"tinything": "1.0"}
    assert built.seconds > 0
    assert (again.seconds, again.python, again.packages) == (0, built.python, built.packages)
    assert names(place.state / "environments") == [f"tiny-{environment.digest[:12]}", "tiny.lock"]


def test_two_processes_build_one_environment_once(place: Place) -> None:
    lock("tiny", shelves=[place.shelf])
    with building(place) as one, building(place) as other:
        lines = [process.communicate()[0].splitlines()[-1] for process in (one, other)]
    assert sorted(line.split()[0] for line in lines) == ["built", "found"]
    assert len({line.split()[1] for line in lines}) == 1


def test_a_process_that_waits_says_so(place: Place) -> None:
    lock("tiny", shelves=[place.shelf])
    path = place.state / "environments" / "tiny.lock"
    path.parent.mkdir(parents=True)
    ours = FileLock(path)
    ours.acquire()
    with building(place) as process:
        try:
            assert "environment tiny" in heard(process, "waiting for another process")
        finally:
            ours.release()
        assert heard(process, "built ").startswith("said built tiny")


def test_a_failed_build_leaves_nothing_and_says_what_to_do(place: Place) -> None:
    lock("tiny", shelves=[place.shelf])
    environment = load_environment([place.shelf], "tiny")
    (place.wheels / "tinything-1.0-py3-none-any.whl").unlink()

    with pytest.raises(HarnessError) as failed:
        build(environment, shelves=[place.shelf], state=place.state, say=silent)

    assert failed.value.code == 2
    assert "environment tiny cannot be built for Python 3.11 (tinything==1.0)" in failed.value.messages[0]
    assert "tinything was not found" in str(failed.value)  # uv's own words
    assert "harness env lock tiny" in failed.value.hint
    assert names(place.state / "environments") == ["tiny.lock"]


def test_a_wheel_with_other_bytes_than_the_lock_says_is_refused(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock("tiny", shelves=[place.shelf])
    environment = load_environment([place.shelf], "tiny")
    make_wheel(place.wheels, "tinything", "1.0", summary="replaced")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))  # uv would take the locked bytes from its cache

    with pytest.raises(HarnessError, match=r"(?s)cannot be built.*[Hh]ash"):
        build(environment, shelves=[place.shelf], state=place.state, say=silent)


@contextmanager
def deaf_index() -> Iterator[str]:
    """An index that takes connections and never answers, so that uv hangs."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/simple"


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_a_build_that_was_killed_is_cleaned_up_by_the_next(
    place: Place, monkeypatch: pytest.MonkeyPatch, ending: signal.Signals
) -> None:
    lock("tiny", shelves=[place.shelf])
    environment = load_environment([place.shelf], "tiny")
    with monkeypatch.context() as deaf, deaf_index() as url:
        deaf.setenv("PIP_NO_INDEX", "")
        deaf.setenv("PIP_INDEX_URL", url)
        with building(place) as process:
            heard(process, "building tiny")
            assert names(place.state / "environments") == [".building-tiny", "tiny.lock"]
            os.killpg(process.pid, ending)
    left = names(place.state / "environments")
    assert left == ([".building-tiny", "tiny.lock"] if ending == signal.SIGKILL else ["tiny.lock"])
    assert find_built(environment, place.state) is None

    build(environment, shelves=[place.shelf], state=place.state, say=silent)
    assert names(place.state / "environments") == [f"tiny-{environment.digest[:12]}", "tiny.lock"]


def test_an_environment_whose_interpreter_is_gone_is_built_again(place: Place) -> None:
    lock("tiny", shelves=[place.shelf])
    environment = load_environment([place.shelf], "tiny")
    built = build(environment, shelves=[place.shelf], state=place.state, say=silent)
    built.python.unlink()
    built.python.symlink_to("/nowhere/python3.11")

    assert find_built(environment, place.state) is None
    again = build(environment, shelves=[place.shelf], state=place.state, say=silent)
    assert again.seconds > 0
    assert again.python.exists()


def test_removing_takes_every_digest_of_one_name_and_no_other(place: Place) -> None:
    write_environment(place.shelf, "tiny-too", "tinything==1.0")
    for name in ("tiny", "tiny-too"):
        lock(name, shelves=[place.shelf])
        build(load_environment([place.shelf], name), shelves=[place.shelf], state=place.state, say=silent)

    gone = remove("tiny", state=place.state)

    assert [path.name.rsplit("-", 1)[0] for path in gone] == ["tiny"]
    assert [name for name in names(place.state / "environments") if not name.endswith(".lock")] == [
        f"tiny-too-{load_environment([place.shelf], 'tiny-too').digest[:12]}"
    ]
    assert remove("tiny", state=place.state) == ()


def test_pips_file_is_passed_on(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = tmp_path / "pip.conf"
    configuration.write_text(f"[global]\nno-index = true\nfind-links = {place.wheels}\n", encoding="utf-8")
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(configuration))

    lock("tiny", shelves=[place.shelf])
    built = build(load_environment([place.shelf], "tiny"), shelves=[place.shelf], state=place.state, say=silent)
    assert built.packages == {"tinything": "1.0"}


def test_the_index_of_the_toml_is_tried_where_pips_configuration_has_not_the_package(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    simple = place.wheels / "simple" / "farthing"
    make_wheel(simple, "farthing", "1.0")
    (simple / "index.html").write_text('<a href="farthing-1.0-py3-none-any.whl">farthing-1.0-py3-none-any.whl</a>')
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", f"file://{place.wheels}")  # no such project there
    write_environment(place.shelf, "tiny", "farthing", more=f'index = "file://{simple.parent}"\n')
    said: list[str] = []

    lock("tiny", shelves=[place.shelf], say=said.append)
    build(load_environment([place.shelf], "tiny"), shelves=[place.shelf], state=place.state, say=said.append)
    assert sum("not found by pip's configuration alone; trying file://" in line for line in said) == 2


def test_a_password_of_an_index_is_used_and_written_nowhere(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = make_wheel(place.wheels / "away", "guarded", "1.0")
    write_environment(place.shelf, "tiny", "guarded==1.0")
    monkeypatch.delenv("PIP_NO_INDEX")
    said: list[str] = []
    with guarded_index(wheel, "me", "s3cret") as port:
        monkeypatch.setenv("PIP_INDEX_URL", f"http://me:s3cret@127.0.0.1:{port}/simple")
        lock("tiny", shelves=[place.shelf], say=said.append)
        environment = load_environment([place.shelf], "tiny")
        built = build(environment, shelves=[place.shelf], state=place.state, say=said.append)
        monkeypatch.setenv("PIP_INDEX_URL", f"http://me:s3cret@127.0.0.1:{port}/nothing")
        write_environment(place.shelf, "tiny", "guarded==2.0")
        with pytest.raises(HarnessError) as failed:
            lock("tiny", shelves=[place.shelf], say=said.append)

    assert built.packages == {"guarded": "1.0"}
    written = [path for folder in (place.shelf, place.state) for path in folder.rglob("*") if path.is_file()]
    assert not [path for path in written if b"s3cret" in path.read_bytes()]
    assert "s3cret" not in f"{said} {failed.value} {failed.value.hint}"


def test_a_package_is_unpacked_once_without_its_dependencies(place: Place) -> None:
    said: list[str] = []
    folder = install_package("tinything==1.0", state=place.state, say=said.append)
    heard_first = len(said)
    again = install_package("tinything==1.0", state=place.state, say=said.append)

    assert folder == again == place.state / "packages" / "tinything-1.0"
    assert (folder / "tinything" / "__init__.py").is_file()
    assert len(said) == heard_first
    with pytest.raises(HarnessError, match=r"(?s)tinything==3.0 cannot be fetched"):
        install_package("tinything==3.0", state=place.state, say=said.append)
    with pytest.raises(HarnessError, match="names no version"):
        install_package("tinything", state=place.state, say=said.append)
    assert not list((place.state / "packages").glob(".building-*"))


def test_the_running_interpreter_is_an_environment_where_it_has_the_framework() -> None:
    built = current("numpy")
    assert built.python == Path(sys.executable)
    assert built.packages["numpy"]
    assert built.environment.digest == current("numpy").environment.digest

    with pytest.raises(HarnessError, match=r"no_such_framework is not installed for"):
        current("no_such_framework")
