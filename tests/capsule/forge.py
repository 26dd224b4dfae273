"""Capsules as somebody who means harm would make them."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

Spoil = Callable[[bytes], bytes]


class Forged:
    """The files of a sound capsule, to be changed and written again, with or without their new digests."""

    def __init__(self, source: Path, path: Path) -> None:
        self.path = path
        with zipfile.ZipFile(source) as archive:
            self.files = {name: archive.read(name) for name in archive.namelist()}

    def only(self, part: str) -> str:
        """The name of the first file whose name holds ``part``."""
        return next(name for name in sorted(self.files) if part in name)

    def spoil(self, part: str, change: Spoil) -> str:
        name = self.only(part)
        self.files[name] = change(self.files[name])
        return name

    def edit(self, name: str, change: Callable[[Any], None]) -> None:
        """Change a JSON file in place."""
        said = json.loads(self.files[name])
        change(said)
        self.files[name] = json.dumps(said).encode()

    def sign(self) -> None:
        """Make ``capsule.json`` agree with the bytes again, as an attacker would."""
        files = {
            name: [hashlib.sha256(content).hexdigest(), len(content)]
            for name, content in self.files.items()
            if name != "capsule.json"
        }
        self.edit("capsule.json", lambda about: about.update(files=files))

    def write(self) -> Path:
        with zipfile.ZipFile(self.path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in self.files.items():
                archive.writestr(name, content)
        return self.path


def other_byte(content: bytes) -> bytes:
    """One byte in the middle is another one, and a text stays a text."""
    middle = len(content) // 2
    return content[:middle] + (b"x" if content[middle : middle + 1] != b"x" else b"y") + content[middle + 1 :]
