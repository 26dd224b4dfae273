"""Environments that are an interpreter given by path: a toy one, and Debian's where it is installed."""

from __future__ import annotations

import sys
import venv
from pathlib import Path

import pytest

from harness.core.errors import HarnessError
from harness.environments import build, find_built, load_environment, lock, remove
from tests.environments.conftest import Place
from tests.environments.wheels import make_wheel


def silent(_line: str) -> None:
    pass


@pytest.fixture
def interpreter(tmp_path: Path) -> Path:
    """A Python without pip whose only package is a numpy of ours."""
    venv.create(tmp_path / "system", symlinks=True)
    (packages,) = (tmp_path / "system" / "lib").glob("python*/site-packages")
    unpack(make_wheel(tmp_path / "theirs", "numpy", "1.0"), packages)
    return tmp_path / "system" / "bin" / "python"


def unpack(wheel: Path, folder: Path) -> None:
    import zipfile

    zipfile.ZipFile(wheel).extractall(folder)


def write_system(shelf: Path, interpreter: Path, more: str = "") -> None:
    text = f'kind = "system"\nframework = "numpy"\nsummary = "theirs"\ninterpreter = "{interpreter}"\n{more}'
    (shelf / "environments" / "theirs.toml").write_text(text, encoding="utf-8")


def test_an_interpreter_is_taken_as_it_is_with_its_packages_recorded(place: Place, interpreter: Path) -> None:
    write_system(place.shelf, interpreter)
    environment = load_environment([place.shelf], "theirs")
    built = build(environment, shelves=[place.shelf], state=place.state, say=silent)

    assert built.python == interpreter
    assert built.packages == {"numpy": "1.0"}
    assert built.environment.python == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert not place.state.exists()
    assert remove("theirs", state=place.state) == ()
    assert find_built(environment, place.state) == built


def test_its_digest_follows_what_is_installed_and_the_variables(place: Place, interpreter: Path) -> None:
    def digest() -> str:
        environment = load_environment([place.shelf], "theirs")
        return build(environment, shelves=[place.shelf], state=place.state, say=silent).environment.digest

    write_system(place.shelf, interpreter)
    first = digest()
    write_system(place.shelf, interpreter, '[variables]\nONE_AXIS = "0"\n')
    with_variable = digest()
    write_system(place.shelf, interpreter, 'install = "apt-get install it"\n')
    assert digest() == first

    (packages,) = interpreter.parents[1].glob("lib/python*/site-packages")
    unpack(make_wheel(place.wheels, "tinything", "1.0"), packages)
    assert len({first, with_variable, digest()}) == 3


def test_a_missing_interpreter_names_the_command_that_brings_it(place: Place) -> None:
    write_system(place.shelf, Path("/nowhere/python3"), 'install = "apt-get install python3-numpy"\n')
    environment = load_environment([place.shelf], "theirs")
    assert find_built(environment, place.state) is None

    with pytest.raises(HarnessError, match=r"theirs\.toml: /nowhere/python3 does not answer") as missing:
        build(environment, shelves=[place.shelf], state=place.state, say=silent)
    assert missing.value.hint == "install it: apt-get install python3-numpy"


def test_an_interpreter_without_the_framework_is_refused(place: Place, interpreter: Path) -> None:
    write_system(place.shelf, interpreter)
    text = (place.shelf / "environments" / "theirs.toml").read_text(encoding="utf-8")
    (place.shelf / "environments" / "theirs.toml").write_text(text.replace("numpy", "torch"), encoding="utf-8")
    environment = load_environment([place.shelf], "theirs")
    assert find_built(environment, place.state) is None
    with pytest.raises(HarnessError, match="torch is not installed for"):
        build(environment, shelves=[place.shelf], state=place.state, say=silent)


def test_what_is_no_python_is_refused_with_its_words(place: Place) -> None:
    write_system(place.shelf, Path("/bin/ls"))
    with pytest.raises(HarnessError, match="does not answer as a Python") as refused:
        build(load_environment([place.shelf], "theirs"), shelves=[place.shelf], state=place.state, say=silent)
    assert "ls" in refused.value.messages[1]


def test_an_interpreter_has_no_lock(place: Place, interpreter: Path) -> None:
    write_system(place.shelf, interpreter)
    with pytest.raises(HarnessError, match="it has no lock"):
        lock("theirs", shelves=[place.shelf])


def test_an_interpreter_is_given_by_its_whole_path(place: Place) -> None:
    write_system(place.shelf, Path("python3"))
    with pytest.raises(HarnessError, match="interpreter: String should match pattern"):
        load_environment([place.shelf], "theirs")
