from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.core.errors import HarnessError
from harness.registry import Workspace, builtin_shelf, load_baseline, load_models, open_workspace


def opened(start: Path, *, explicit: Path | None = None, data_dir: Path | None = None, **environ: str) -> Workspace:
    return open_workspace(start=start, explicit=explicit, data_dir=data_dir, environ=environ)


def test_without_harness_toml_the_folder_one_stands_in_is_the_workspace(tmp_path: Path) -> None:
    found = opened(tmp_path)
    assert found.root == tmp_path
    assert found.shelves == (tmp_path, builtin_shelf())
    assert found.state == tmp_path / ".harness"
    assert found.data_roots == ()
    assert found.environments == ("torch-2.13", "tf-2.21", "numpy-2.4")


def test_harness_toml_is_found_upwards_and_an_explicit_folder_wins(tmp_path: Path) -> None:
    (tmp_path / "harness.toml").write_text('[run]\nenvironments = ["numpy-2.4"]\n', encoding="utf-8")
    deep, other = tmp_path / "a" / "b", tmp_path / "other"
    deep.mkdir(parents=True)
    other.mkdir()

    assert opened(deep).root == tmp_path
    assert opened(deep).environments == ("numpy-2.4",)
    assert opened(deep, explicit=other).root == other


def test_data_is_looked_for_where_one_says_first(tmp_path: Path) -> None:
    (tmp_path / "harness.toml").write_text('[data]\nroots = ["sets", "/srv/data"]\n', encoding="utf-8")
    for name in ("data", "given", "one"):
        (tmp_path / name).mkdir()

    found = opened(tmp_path, data_dir=tmp_path / "given", HARNESS_DATA_DIR=f"{tmp_path}/one{os.pathsep}/two")

    assert found.data_roots == (
        tmp_path / "given",
        tmp_path / "one",
        Path("/two"),
        tmp_path / "sets",
        Path("/srv/data"),
        tmp_path / "data",
    )


def test_the_store_is_where_the_environment_says_or_else_harness_toml(tmp_path: Path) -> None:
    assert opened(tmp_path).store_url == ""
    (tmp_path / "harness.toml").write_text('[store]\nurl = "sqlite:///runs.db"\n', encoding="utf-8")
    assert opened(tmp_path).store_url == "sqlite:///runs.db"
    assert opened(tmp_path, HARNESS_STORE_URL="postgresql://h/x").store_url == "postgresql://h/x"


def test_the_checkout_is_workspace_and_shelf_at_once() -> None:
    assert opened(builtin_shelf()).shelves == (builtin_shelf(),)


@pytest.mark.parametrize("option", ["explicit", "data_dir"])
def test_a_folder_that_is_not_there_is_named(tmp_path: Path, option: str) -> None:
    with pytest.raises(HarnessError, match=r"/nowhere: no such folder"):
        opened(tmp_path, **{option: Path("/nowhere")})  # type: ignore[arg-type]


def test_an_unknown_key_of_harness_toml_is_answered_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "harness.toml").write_text('[run]\nenvironment = ["numpy-2.4"]\n', encoding="utf-8")
    with pytest.raises(HarnessError, match=r"^harness\.toml: run\.environment: unknown key$") as unknown:
        opened(tmp_path)
    assert "did you mean environments?" in unknown.value.hint


def test_every_built_in_model_and_baseline_loads() -> None:
    workspace = opened(builtin_shelf())
    for model in load_models(workspace):
        for reference in load_baseline(workspace, model).references:
            assert reference.source
