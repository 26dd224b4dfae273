"""Commit, address and difference of a checkout; a password in the address goes nowhere."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.execution import repository_of
from harness.execution.repository import without_credentials


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    return subprocess.run(
        ["git", "-C", str(folder), *identity, *words], check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("models/a", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "code.py").write_text("before\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def test_a_clean_checkout_is_its_commit(checkout: Path) -> None:
    found = repository_of([checkout / "models" / "a"])
    assert found is not None
    assert found.head == git(checkout, "rev-parse", "HEAD").strip()
    assert (found.remote, found.difference) == ("", "")


def test_only_what_the_run_uses_is_compared_with_the_commit(checkout: Path) -> None:
    (checkout / "models" / "a" / "code.py").write_text("after\n")
    (checkout / "elsewhere" / "code.py").write_text("a secret of somebody else\n")
    git(checkout, "remote", "add", "origin", "https://me:s3cret@host.example/x.git?token=s3cret")
    found = repository_of([checkout / "models" / "a"])
    assert found is not None
    assert "-before" in found.difference
    assert "+after" in found.difference
    assert "secret" not in found.difference
    assert found.remote == "https://host.example/x.git"


def test_outside_a_checkout_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert repository_of([tmp_path]) is None


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://me:token@host/x.git", "https://host/x.git"),
        ("https://token@host:8443/x.git#y", "https://host:8443/x.git"),
        ("ssh://git@host/x.git", "ssh://host/x.git"),
        ("git@host:me/x.git", "host:me/x.git"),
        ("/srv/git/x.git", "/srv/git/x.git"),
        ("", ""),
    ],
)
def test_addresses_lose_names_and_passwords(address: str, shown: str) -> None:
    assert without_credentials(address) == shown
