from __future__ import annotations

import os
from pathlib import Path

from harness.environments import pip_configuration
from harness.environments.uv_process import redacted


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_variable_beats_the_file_and_install_beats_global(tmp_path: Path) -> None:
    user = "[global]\nindex-url = https://global/simple\nextra-index-url =\n  https://a/simple\n  https://b/simple\n"
    write(tmp_path / "home/.config/pip/pip.conf", user + "[install]\nindex-url = https://install/simple\n")
    site = write(tmp_path / "prefix/pip.conf", "[global]\nindex-url = https://site/simple\ntrusted-host = h1 h2\n")
    environ = {"XDG_CONFIG_DIRS": str(tmp_path / "none")}

    by_files = pip_configuration(environ, home=tmp_path / "home", prefix=site.parent)
    by_variable = pip_configuration(
        {**environ, "PIP_INDEX_URL": "https://variable/simple", "PIP_TRUSTED_HOST": ""},
        home=tmp_path / "home",
        prefix=site.parent,
    )

    assert by_files.index_url == "https://install/simple"
    assert by_files.extra_index_urls == ("https://a/simple", "https://b/simple")
    assert by_variable.index_url == "https://variable/simple"
    assert by_variable.trusted_hosts == ("h1", "h2")  # pip takes an empty variable for none


def test_pip_config_file_replaces_the_users_file_and_devnull_all_files(tmp_path: Path) -> None:
    write(tmp_path / "home/.config/pip/pip.conf", "[global]\nindex-url = https://user/simple\nno-index = true\n")
    asked = write(tmp_path / "asked.conf", "[global]\nextra_index_url = https://asked/simple\n")

    replaced = pip_configuration({"PIP_CONFIG_FILE": str(asked)}, home=tmp_path / "home", prefix=tmp_path)
    nothing = pip_configuration({"PIP_CONFIG_FILE": os.devnull}, home=tmp_path / "home", prefix=tmp_path)

    assert (replaced.index_url, replaced.extra_index_urls) == (None, ("https://asked/simple",))
    assert not replaced.no_index
    assert nothing.options() == ["--index-strategy", "unsafe-best-match"]


def test_folders_that_are_not_there_are_left_out_and_relative_ones_made_absolute(tmp_path: Path) -> None:
    here = tmp_path / "wheels"
    here.mkdir()
    certificate = write(tmp_path / "ca.pem", "")
    environ = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_FIND_LINKS": f"{os.path.relpath(here)} {tmp_path}/none file://{tmp_path}/none https://w/links",
        "PIP_EXTRA_INDEX_URL": f"file://{tmp_path}/nowhere/simple",
        "PIP_CERT": str(certificate),
    }

    found = pip_configuration(environ, home=tmp_path, prefix=tmp_path)
    without_certificate = pip_configuration({**environ, "PIP_CERT": "/nowhere"}, home=tmp_path, prefix=tmp_path)

    assert found.find_links == (str(here), "https://w/links")
    assert found.extra_index_urls == ()
    assert found.variables() == {"SSL_CERT_FILE": str(certificate)}
    assert without_certificate.variables() == {}


def test_passwords_in_urls_are_redacted() -> None:
    assert redacted("at https://me:s3cret@host/simple and `http://token@h:1/x`") == (
        "at https://****@host/simple and `http://****@h:1/x`"
    )
    assert redacted("git+https://github.com/o/p@v1") == "git+https://github.com/o/p@v1"
