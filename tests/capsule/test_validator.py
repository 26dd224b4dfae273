"""A capsule is a valid Process Run Crate: by roc-validator, in an environment of its own, without a network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import rocrate

from harness.environments import pip_configuration
from harness.environments.locks import held
from harness.environments.uv_process import run_uv
from tests.conftest import STATE

VERSION = "0.13.0"


def validator() -> Path:
    """An interpreter that has it: it pins rich below the one that is installed here."""
    folder = STATE / f"roc-validator-{VERSION}"
    python = folder / "bin" / "python"
    pip = pip_configuration()
    with held(folder.with_suffix(".lock"), "the validator", print):
        if not (folder / "ready").is_file():
            run_uv(["venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], pip=pip)
            wanted = ["pip", "install", "--quiet", f"roc-validator=={VERSION}", "--python", str(python)]
            run_uv([*wanted, *pip.options()], pip=pip)
            (folder / "ready").touch()
    return python


def test_the_validator_finds_nothing_that_is_required_missing(packed: Path, tmp_path: Path) -> None:
    sound, spoilt = tmp_path / "sound", tmp_path / "spoilt"
    for place in (sound, spoilt):
        with zipfile.ZipFile(packed) as archive:
            archive.extractall(place)
    metadata = spoilt / "ro-crate-metadata.json"
    said = json.loads(metadata.read_text())
    for entity in said["@graph"]:
        if entity["@type"] == "CreateAction":
            del entity["instrument"]
    metadata.write_text(json.dumps(said))
    context = Path(rocrate.__file__).parent / "data" / "ro-crate.jsonld"
    done = subprocess.run(
        [validator(), Path(__file__).with_name("validate.py"), context, tmp_path / "cache", sound, spoilt],
        capture_output=True, text=True, check=False, env={**os.environ, "https_proxy": "http://127.0.0.1:9"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    one, other = (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
    assert one == {"valid": True, "issues": []}
    assert not other["valid"]
    assert any("instrument" in issue for issue in other["issues"]), other
