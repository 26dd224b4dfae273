"""Final weights in a capsule: those that the record names, or none."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.commands.inspect import inspect
from harness.core.errors import HarnessError
from reports.capsule import inspection_text
from tests.capsule.forge import Forged, other_byte
from tests.conftest import Workspace, open_at


def test_they_are_in_it_and_told_of(weighty: Path, packed: Path) -> None:
    workspace = open_at(weighty.parent)
    found = inspect(workspace, weighty)
    (run,) = found["runs"]
    assert run["weights_bytes"] > 1000
    assert f"{run['weights_bytes']:,} bytes" in inspection_text(found)
    assert [each["weights_bytes"] for each in inspect(workspace, packed)["runs"]] == [0, 0]
    with zipfile.ZipFile(weighty) as archive:
        assert "final weights, one array a name" in archive.read("README.md").decode()
        metadata = archive.read("ro-crate-metadata.json").decode()
    assert f"runs/{run['id']}/weights.safetensors" in metadata


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (other_byte, "does not hold the weights that"),
        (lambda content: content[:-4], "is no safetensors file"),
        (lambda _: b"PK" + bytes(200), "is no safetensors file"),
        (lambda _: b"\x80\x04cposix\nsystem\n", "is no safetensors file"),
        (lambda _: b"", "is no safetensors file"),
    ],
)
def test_others_are_refused_though_signed(
    weighty: Path, tmp_path: Path, change: Callable[[bytes], bytes], said: str
) -> None:
    forged = Forged(weighty, tmp_path / "forged.capsule.zip")
    forged.spoil("weights.safetensors", change)
    forged.sign()
    with pytest.raises(HarnessError, match=said):
        inspect(open_at(tmp_path), forged.write())


def test_a_run_that_kept_none_or_others_is_not_packed_with_them(packed: Path, tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    root.mkdir()
    workspace = Workspace(root)
    source = min((packed.parent / ".harness" / "runs").iterdir())
    run = shutil.copytree(source, workspace.state / "runs" / source.name)
    kept = run / "weights.safetensors"
    for change, said in (
        (lambda: kept.write_bytes(other_byte(kept.read_bytes())), "not the weights that the run ended in"),
        (kept.unlink, "kept no final weights"),
    ):
        change()
        ended = workspace.harness("pack", run.name, "-o", "x.zip", "--with-weights")
        assert ended.returncode == 2
        assert said in ended.stderr
        assert not (root / "x.zip").exists()
