"""Thousands of spoilt capsules: a clear error or the right content, and never a file outside the folder.

``CAPSULE_FUZZ=10000 pytest tests/capsule/test_fuzz.py`` does ten thousand; here a few hundred are enough to see a
fault that is easy to hit.
"""

from __future__ import annotations

import os
import random
import zipfile
from pathlib import Path

from harness.capsule import open_capsule
from harness.commands.inspect import inspected
from harness.core.errors import HarnessError

CASES = int(os.environ.get("CAPSULE_FUZZ", "250"))


def mutated(whole: bytes, draw: random.Random) -> bytes:
    """Bytes changed, cut out, doubled or shortened at random places, most of them where zips keep their names."""
    content = bytearray(whole)
    for _ in range(draw.choice((1, 1, 1, 2, 5, 30))):
        start = draw.randrange(len(content))
        if draw.random() < 0.5:  # the directory at the end, where names, sizes and attributes stand
            start = draw.randrange(len(content) * 3 // 4, len(content))
        length = draw.choice((1, 1, 1, 2, 4, 100))
        match draw.randrange(5):
            case 0 | 1:
                content[start : start + length] = draw.randbytes(len(content[start : start + length]))
            case 2:
                content[start : start + 1] = bytes([content[start] ^ (1 << draw.randrange(8))])
            case 3:
                del content[start : start + length]
            case _:
                content[start:start] = content[start : start + length]
    return bytes(content)


def test_spoilt_capsules_do_no_harm(packed: Path, tmp_path: Path) -> None:
    whole = packed.read_bytes()
    with zipfile.ZipFile(packed) as archive:
        right = {name: archive.read(name) for name in archive.namelist()}
    path, target = tmp_path / "spoilt.zip", tmp_path / "place" / "target"
    draw = random.Random(20261125)
    read, errors = 0, list[HarnessError]()
    for case in range(CASES):
        path.write_bytes(mutated(whole, draw))
        try:
            with inspected(path):
                pass
            with open_capsule(path) as capsule:
                for number, name in enumerate(capsule.about.files):
                    capsule.extract(name, target / str(case) / str(number))
                    assert (target / str(case) / str(number)).read_bytes() == right[name]
            read += 1
        except HarnessError as error:
            errors.append(error)
    assert read + len(errors) == CASES
    assert len(errors) > CASES // 2
    assert all(error.hint and error.messages[0].isprintable() for error in errors)
    assert {child.name for child in tmp_path.iterdir()} <= {"spoilt.zip", "place"}
    assert not (tmp_path / "place").exists() or {child.name for child in (tmp_path / "place").iterdir()} == {"target"}
