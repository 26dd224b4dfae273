"""docs/samples: as far as a machine without their hosts can check them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from harness.registry import open_workspace
from tests.conftest import REPOSITORY

SAMPLES = REPOSITORY / "docs" / "samples"


def test_systemd_reads_the_units() -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed (apt-get install systemd)")
    units = [str(SAMPLES / f"harness-nightly.{kind}") for kind in ("service", "timer")]
    ended = subprocess.run([analyze, "verify", "--man=no", *units], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "harness-nightly" not in ended.stderr
    when = next(line for line in (SAMPLES / "harness-nightly.timer").read_text().splitlines() if "OnCalendar" in line)
    subprocess.run([analyze, "calendar", when.partition("=")[2]], check=True, capture_output=True)


def test_the_workflow_follows_github_s_schema() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    ended = subprocess.run([*command, str(SAMPLES / "github-nightly.yml")], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_crontab_has_five_fields_and_a_command_that_the_shell_reads() -> None:
    lines = [line for line in (SAMPLES / "crontab").read_text().splitlines() if not line.startswith("#")]
    assert len(lines) == 2
    for line in lines:
        found = re.fullmatch(r"(?:[\d*/,-]+ ){5}(.+)", line)
        assert found, line
        subprocess.run(["sh", "-n", "-c", found[1]], check=True)
        assert "%" not in found[1]  # cron reads it as a new line


def test_the_plan_of_the_page_is_one_that_is_read(tmp_path: Path) -> None:
    (toml,) = re.findall(r"```toml\n(.*?)```", (REPOSITORY / "docs" / "nightly.md").read_text(), flags=re.DOTALL)
    (tmp_path / "harness.toml").write_text(toml)
    plan = open_workspace(start=tmp_path, explicit=None, data_dir=None, environ={}).nightly
    assert plan.models == tuple(tomllib.loads(toml)["nightly"]["models"])
    assert plan.budget_minutes == 480
