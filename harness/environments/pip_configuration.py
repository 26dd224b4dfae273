"""Where pip would look for packages, read from pip's own files and variables.

uv ignores both, so a machine set up for pip (a company's index, wheels on a disk) would be deaf to
uv.  The order is pip's (23 to 26): global files, the user's, the interpreter's, PIP_CONFIG_FILE,
then PIP_* variables; a section [install] beats [global] wherever it stands.  pip itself is not
needed: a venv made by uv has none.
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, kw_only=True)
class PipConfiguration:
    """What uv is told of it.  URLs may hold passwords: show them through ``redacted`` only."""

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    trusted_hosts: tuple[str, ...] = ()
    cert: str | None = None
    constraints: tuple[str, ...] = ()

    def options(self) -> list[str]:
        """For any uv command that installs or resolves.

        pip takes the best version of all indexes, uv by default that of the first index which
        knows the name; ``unsafe-best-match`` is pip's way.
        """
        chosen = ["--index-strategy", "unsafe-best-match"]
        chosen += ["--default-index", self.index_url] if self.index_url else []
        chosen += ["--no-index"] if self.no_index else []
        for option, values in (
            ("--index", self.extra_index_urls),
            ("--find-links", self.find_links),
            ("--allow-insecure-host", self.trusted_hosts),
        ):
            chosen += [word for value in values for word in (option, value)]
        return chosen

    def variables(self) -> dict[str, str]:
        return {"SSL_CERT_FILE": self.cert} if self.cert else {}


def pip_configuration(
    environ: Mapping[str, str] = os.environ, *, home: Path | None = None, prefix: Path | None = None
) -> PipConfiguration:
    """pip's configuration for this interpreter.  Folders and files that are not there are left out."""
    said = _said(environ, home or Path.home(), prefix or Path(sys.prefix))
    cert = said.get("cert")
    return PipConfiguration(
        index_url=said.get("index-url") or None,
        extra_index_urls=_existing(said.get("extra-index-url")),
        find_links=tuple(_absolute(place) for place in _existing(said.get("find-links"))),
        no_index=said.get("no-index", "").lower() in {"1", "true", "yes", "on", "y", "t"},
        trusted_hosts=tuple(said.get("trusted-host", "").split()),
        cert=cert if cert and Path(cert).is_file() else None,
        constraints=tuple(_absolute(place) for place in _existing(said.get("constraint"))),
    )


def _said(environ: Mapping[str, str], home: Path, prefix: Path) -> dict[str, str]:
    """Option -> value, the last word only: pip replaces lists, it does not add to them."""
    sections: dict[str, dict[str, str]] = {"global": {}, "install": {}}
    for path in _files(environ, home, prefix):
        parser = configparser.RawConfigParser()
        parser.read(path, encoding="utf-8")
        for section, said in sections.items():
            said.update({_option(key): value for key, value in _items(parser, section) if value})
    variables = {_option(key[4:]): value for key, value in environ.items() if key.startswith("PIP_") and value}
    return {**sections["global"], **sections["install"], **variables}


def _items(parser: configparser.RawConfigParser, section: str) -> list[tuple[str, str]]:
    return parser.items(section) if parser.has_section(section) else []


def _option(key: str) -> str:
    return key.lower().lstrip("-").replace("_", "-")


def _files(environ: Mapping[str, str], home: Path, prefix: Path) -> Iterator[Path]:
    asked = environ.get("PIP_CONFIG_FILE")
    if asked == os.devnull:
        return
    if sys.platform == "darwin":
        yield Path("/Library/Application Support/pip/pip.conf")
    for folder in reversed((environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)):
        yield Path(folder) / "pip" / "pip.conf"
    yield Path("/etc/pip.conf")
    if not (asked and Path(asked).is_file()):
        yield home / ".pip" / "pip.conf"
        yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"
    yield prefix / "pip.conf"
    if asked:
        yield Path(asked)


def _existing(listed: str | None) -> tuple[str, ...]:
    """Words of a list, without folders and files that are not there: pip only warns of those."""
    return tuple(word for word in (listed or "").split() if (local := _local(word)) is None or local.exists())


def _local(word: str) -> Path | None:
    parts = urlsplit(word)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return None if parts.scheme else Path(word).expanduser()


def _absolute(word: str) -> str:
    """uv runs in another folder than we do."""
    return word if urlsplit(word).scheme else str(Path(word).expanduser().resolve())
