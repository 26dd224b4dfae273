from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import HarnessError
from harness.environments import build, load_environment, load_environments, lock
from tests.environments.conftest import Place
from tests.environments.wheels import make_wheel, write_environment

SHELF = Path(__file__).parents[2]


def test_every_built_in_lock_fits_its_toml() -> None:
    frameworks = {environment.framework for environment in load_environments([SHELF])}
    assert {"torch", "tensorflow", "numpy"} <= frameworks


def test_a_lock_has_hashes_and_equal_bytes_each_time(place: Place) -> None:
    path = lock("tiny", shelves=[place.shelf])
    first = path.read_bytes()
    lock("tiny", shelves=[place.shelf], upgrade=True)

    assert path.read_bytes() == first
    assert b"tinything==1.0 \\\n    --hash=sha256:" in first
    assert str(place.wheels).encode() not in first


def test_a_lock_keeps_its_versions_until_an_upgrade_is_asked_for(place: Place) -> None:
    write_environment(place.shelf, "tiny", "tinything")
    path = lock("tiny", shelves=[place.shelf])
    make_wheel(place.wheels, "tinything", "2.0")

    assert "tinything==1.0 " in lock("tiny", shelves=[place.shelf]).read_text()
    lock("tiny", shelves=[place.shelf], upgrade=True)
    assert "tinything==2.0 " in path.read_text()


def test_a_stale_lock_names_the_command_that_mends_it(place: Place) -> None:
    lock("tiny", shelves=[place.shelf])
    write_environment(place.shelf, "tiny", "tinything>=1.0")

    with pytest.raises(HarnessError, match=r"tiny\.lock no longer matches environments/tiny\.toml") as stale:
        load_environment([place.shelf], "tiny")
    assert "harness env lock tiny" in stale.value.hint

    lock("tiny", shelves=[place.shelf])
    assert load_environment([place.shelf], "tiny").name == "tiny"


def test_summary_and_variables_leave_the_lock_valid_but_variables_make_another_environment(place: Place) -> None:
    lock("tiny", shelves=[place.shelf])
    before = load_environment([place.shelf], "tiny")
    write_environment(place.shelf, "tiny", "tinything==1.0", more='[variables]\nONE_AXIS = "0"\n')
    after = load_environment([place.shelf], "tiny")

    assert after.variables == {"ONE_AXIS": "0"}
    assert after.digest != before.digest


def test_a_missing_lock_names_the_command_that_makes_it(place: Place) -> None:
    with pytest.raises(HarnessError, match=r"there is no environments/tiny\.lock") as missing:
        load_environment([place.shelf], "tiny")
    assert "harness env lock tiny" in missing.value.hint


def test_an_unknown_environment_is_answered_with_the_nearest(place: Place) -> None:
    with pytest.raises(HarnessError, match="unknown environment 'tinny'") as unknown:
        load_environment([place.shelf], "tinny")
    assert "did you mean tiny?" in unknown.value.hint


def test_the_running_interpreter_is_told_apart_from_an_unknown_name(place: Place) -> None:
    for asked in (load_environment, lambda shelves, name: lock(name, shelves=shelves)):
        with pytest.raises(HarnessError, match="'current' is the interpreter that runs the harness"):
            asked([place.shelf], "current")


def test_requirements_that_cannot_be_met_are_said_in_uvs_words(place: Place) -> None:
    write_environment(place.shelf, "tiny", "tinything==99")
    with pytest.raises(HarnessError) as unmet:
        lock("tiny", shelves=[place.shelf])
    assert "cannot be resolved for Python 3.11: tinything==99" in str(unmet.value)
    assert "there is no version of tinything==99" in str(unmet.value)
    assert not (place.shelf / "environments" / "tiny.lock").exists()


def test_all_faults_of_a_toml_are_reported_together(place: Place) -> None:
    path = place.shelf / "environments" / "tiny.toml"
    path.write_text('framework = "tourch"\npython = 3.11\nrequirement = []\nsummary = ""\n', encoding="utf-8")
    with pytest.raises(HarnessError) as faulty:
        load_environment([place.shelf], "tiny")
    assert {message.split(": ")[1] for message in faulty.value.messages} == {
        "framework",
        "python",
        "requirement",
        "requirements",
    }


def test_faults_of_all_files_are_reported_together(place: Place) -> None:
    write_environment(place.shelf, "other", "tinything")
    (place.shelf / "environments" / "broken.toml").write_text("framework = [\n", encoding="utf-8")
    with pytest.raises(HarnessError) as faulty:
        load_environments([place.shelf])
    assert [message.split(":")[0] for message in faulty.value.messages] == [
        "environments/broken.toml",
        "environments/other.toml",
        "environments/tiny.toml",
    ]


def test_an_environment_of_the_workspace_shadows_the_built_in_one(place: Place, tmp_path: Path) -> None:
    write_environment(tmp_path / "mine", "tiny", "tinything")
    lock("tiny", shelves=[tmp_path / "mine", place.shelf])
    assert load_environment([tmp_path / "mine", place.shelf], "tiny").requirements == ("tinything",)


def test_a_password_in_a_toml_is_refused(place: Place) -> None:
    write_environment(place.shelf, "tiny", "tinything", more='index = "https://me:s3cret@host/simple"\n')
    with pytest.raises(HarnessError, match="holds a password") as refused:
        load_environment([place.shelf], "tiny")
    assert "s3cret" not in f"{refused.value} {refused.value.hint}"


def write_variant(place: Place, extends: str, more: str = "", name: str = "variant") -> None:
    path = place.shelf / "environments" / f"{name}.toml"
    path.write_text(f'extends = "{extends}"\nsummary = "another axis"\n{more}', encoding="utf-8")


def test_a_variant_has_the_other_ones_lock_and_variables_of_its_own(place: Place) -> None:
    write_environment(place.shelf, "tiny", "tinything==1.0", more='[variables]\nONE = "1"\nTWO = "2"\n')
    write_variant(place, "tiny", '[variables]\nTWO = "0"\n')
    with pytest.raises(HarnessError, match=r"there is no environments/tiny\.lock") as unlocked:
        load_environment([place.shelf], "variant")
    assert unlocked.value.hint == "make it: harness env lock tiny"

    lock("tiny", shelves=[place.shelf])
    base, variant = (load_environment([place.shelf], name) for name in ("tiny", "variant"))
    assert variant.variables == {"ONE": "1", "TWO": "0"}
    assert (variant.requirements, variant.python) == (base.requirements, base.python)
    assert variant.digest != base.digest
    built = build(variant, shelves=[place.shelf], state=place.state, say=lambda _line: None)
    assert built.packages == {"tinything": "1.0"}
    with pytest.raises(HarnessError, match="has the lock of tiny") as locked:
        lock("variant", shelves=[place.shelf])
    assert locked.value.hint == "harness env lock tiny"


def test_a_variant_of_nothing_or_of_a_variant_is_refused(place: Place) -> None:
    write_variant(place, "tinny")
    with pytest.raises(HarnessError, match="extends the unknown environment 'tinny'") as unknown:
        load_environment([place.shelf], "variant")
    assert "did you mean tiny?" in unknown.value.hint

    write_variant(place, "variant")
    with pytest.raises(HarnessError, match="extends variant, which itself extends variant"):
        load_environment([place.shelf], "variant")

    write_variant(place, "tiny", 'requirements = ["tinything"]\n')
    with pytest.raises(HarnessError, match=r"variant\.toml: requirements: unknown key") as pinned:
        load_environment([place.shelf], "variant")
    assert pinned.value.hint == "known keys: summary, variables, extends"
