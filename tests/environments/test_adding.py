from __future__ import annotations

import os
from pathlib import Path

import pytest
from packaging.version import Version

from harness.core.errors import HarnessError
from harness.environments import add, available_versions, build, load_environment
from tests.environments.conftest import Place
from tests.environments.wheels import make_wheel, write_environment

COMMENT = "# A reason that holds for every version.\n"


@pytest.fixture
def shelf(place: Place) -> Path:
    """A shelf with one environment of numpy; a few versions of numpy exist, as tiny wheels."""
    for version in ("1.9", "2.0", "2.0.1", "2.1", "3.0rc1"):
        make_wheel(place.wheels, "numpy", version)
    more = f'{COMMENT}[variables]\nONE_AXIS = "1"\n'
    write_environment(place.shelf, "numpy-1.9", "numpy==1.9", "tinything", more=more)
    (place.shelf / "environments" / "tiny.toml").unlink()
    return place.shelf


def added(shelf: Path, requirement: str, name: str | None = None, mine: Path | None = None) -> Path:
    shelves = [mine, shelf] if mine else [shelf]
    return add(requirement, name=name, shelf=shelves[0], shelves=shelves, preferred=())


def files(shelf: Path) -> list[str]:
    return sorted(path.name for path in (shelf / "environments").iterdir())


def test_a_version_becomes_an_environment_like_its_sisters(place: Place, shelf: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    path = added(shelf, "numpy==2.0.1", mine=mine)

    assert path == mine / "environments" / "numpy-2.0.toml"
    assert COMMENT in path.read_text(encoding="utf-8")
    environment = load_environment([mine], "numpy-2.0")
    assert environment.requirements == ("numpy==2.0.1", "tinything")
    assert environment.variables == {"ONE_AXIS": "1"}
    assert environment.summary == "NumPy 2.0.1"
    built = build(environment, shelves=[mine], state=place.state, say=lambda _line: None)
    assert built.packages == {"numpy": "2.0.1", "tinything": "1.0"}
    assert files(shelf) == ["numpy-1.9.toml"]


def test_only_the_frameworks_own_pin_is_replaced(place: Place, shelf: Path) -> None:
    make_wheel(place.wheels, "torch", "2.1")
    path = shelf / "environments" / "torch-2.0.toml"
    path.write_text(
        'framework = "torch"\npython = "3.11"\nsummary = ""\nrequirements = ["torch==2.0", "numpy==2.0"]\n',
        encoding="utf-8",
    )
    assert added(shelf, "torch==2.1").stem == "torch-2.1"
    assert load_environment([shelf], "torch-2.1").requirements == ("torch==2.1", "numpy==2.0")


def test_nothing_is_overwritten(shelf: Path) -> None:
    before = (shelf / "environments" / "numpy-1.9.toml").read_bytes()
    with pytest.raises(HarnessError, match=r"environment numpy-1\.9 is there already") as taken:
        added(shelf, "numpy==1.9")
    assert taken.value.hint == "give another --name"
    assert (shelf / "environments" / "numpy-1.9.toml").read_bytes() == before
    assert added(shelf, "numpy==1.9", name="old").name == "old.toml"
    assert files(shelf) == ["numpy-1.9.toml", "old.lock", "old.toml"]


def test_a_version_that_does_not_exist_leaves_nothing_and_says_which_do(shelf: Path) -> None:
    with pytest.raises(HarnessError, match=r"numpy 2\.7 does not exist for Python 3\.11") as unknown:
        added(shelf, "numpy==2.7")
    assert unknown.value.hint == "there are: 2.1, 2.0.1, 2.0"
    assert files(shelf) == ["numpy-1.9.toml"]


def test_a_version_that_does_not_fit_the_rest_leaves_nothing_and_says_so_in_uvs_words(
    place: Place, shelf: Path
) -> None:
    write_environment(place.shelf, "numpy-1.9", "numpy==1.9", "tinything==7")
    with pytest.raises(HarnessError, match="there is no version of tinything==7"):
        added(shelf, "numpy==2.0")
    assert files(shelf) == ["numpy-1.9.toml"]


@pytest.mark.parametrize(
    ("requirement", "told"),
    [
        ("numpy", "does not name one version"),
        ("numpy>=2", "does not name one version"),
        ("numpy==2.*", "does not name one version"),
        ("numpy==", "is no requirement"),
        ("tinything==1.0", "is no framework that the harness runs"),
        ("torch==2.0", "no environment holds torch"),
    ],
)
def test_what_cannot_become_an_environment_is_refused(shelf: Path, requirement: str, told: str) -> None:
    with pytest.raises(HarnessError, match=told):
        added(shelf, requirement)
    with pytest.raises(HarnessError, match="cannot name an environment"):
        added(shelf, "numpy==2.0", name="a/b")
    assert files(shelf) == ["numpy-1.9.toml"]


@pytest.mark.usefixtures("shelf")
def test_the_versions_are_those_that_pip_would_install(place: Place) -> None:
    found = available_versions("numpy", python="3.11")
    assert found == tuple(map(Version, ("2.1", "2.0.1", "2.0", "1.9")))
    assert available_versions("no-such-thing", python="3.11") == ()
    (place.wheels / "numpy-2.1-py3-none-any.whl").rename(place.wheels / "numpy-2.1-cp38-cp38-win_amd64.whl")
    assert available_versions("numpy", python="3.11") == found[1:]


def test_an_index_that_does_not_answer_is_no_empty_one(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "")
    monkeypatch.setenv("PIP_INDEX_URL", "http://me:s3cret@127.0.0.1:9/simple")  # discard: nobody listens
    with pytest.raises(HarnessError, match="pip cannot say which versions of numpy exist") as unanswered:
        available_versions("numpy", python="3.11")
    assert "s3cret" not in str(unanswered.value)
    assert place.wheels.is_dir()


@pytest.mark.skipif("PIP_NO_INDEX" in os.environ, reason="pip is told to ask no index")
def test_the_real_index_knows_the_shelfs_versions() -> None:
    found = {str(version) for version in available_versions("tensorflow-cpu", python="3.11")}
    assert {"2.12.1", "2.15.1", "2.16.2", "2.21.0"} <= found
