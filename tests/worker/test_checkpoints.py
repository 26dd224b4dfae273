"""A state as a tree and as a file, without a process; what frameworks add is in test_keeping.py."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy
import pytest

from harness.worker import checkpoints
from harness.worker.frameworks import plain
from harness.worker.keeping import different


class Plain:
    def __init__(self) -> None:
        self.rate, self.seen = 0.1, [1, (2.0, None)]


def parts() -> dict[str, Any]:
    return {
        "array": numpy.arange(4.0),
        "draws": numpy.random.RandomState(3),
        "new": numpy.random.Generator(numpy.random.PCG64(3)),
        "python": random.Random(3),
        "object": Plain(),
        "losses": [0.5, float("inf"), float("nan")],
        "named": {0: numpy.float32(0.1), "x": {"deep": numpy.ones((2, 2), ">f4")}, (1, True): "t"},
    }


def test_what_is_kept_comes_back_in_place_and_to_the_bit(tmp_path: Path) -> None:
    before = parts()
    before["draws"].standard_normal(3)  # an odd number: one more is kept inside
    before["new"].standard_normal(3)
    before["python"].gauss(0, 1)
    before["object"].seen.append("more")
    checkpoints.save(str(tmp_path), checkpoints.name_of(1, 2), {"epoch": 1}, plain.take(before))
    about, state = checkpoints.load(str(tmp_path / "epoch-000001-step-000000002.npz"))
    assert about == {"epoch": 1}
    after = parts()
    same = {name: after[name] for name in ("array", "object", "losses", "named")}
    plain.give(after, state)
    assert all(after[name] is part for name, part in same.items())
    assert after["draws"].standard_normal() == before["draws"].standard_normal()
    assert after["new"].standard_normal() == before["new"].standard_normal()
    assert after["python"].gauss(0, 1) == before["python"].gauss(0, 1)
    assert vars(after["object"]) == vars(before["object"])
    assert repr(after["losses"]) == "[0.5, inf, nan]"
    assert list(after["named"]) == [0, "x", (1, True)]
    assert after["named"][0].dtype == numpy.float32
    assert numpy.load(tmp_path / "epoch-000001-step-000000002.npz", allow_pickle=False)["0"].tolist() == [0, 1, 2, 3]


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    for step in range(5):
        checkpoints.save(str(tmp_path), checkpoints.name_of(0, step), {}, {})
    assert sorted(path.name[-5] for path in tmp_path.iterdir()) == ["3", "4"]


def test_every_changed_byte_is_noticed_or_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / checkpoints.name_of(0, 0)
    checkpoints.save(str(tmp_path), path.name, {"a": 1}, {"w": numpy.arange(3)})
    good, whole = path.read_bytes(), repr(checkpoints.load(str(path)))
    damaged = 0
    for place in range(0, len(good), 3):
        content = bytearray(good)
        content[place] ^= 0x41
        path.write_bytes(content)
        try:
            assert repr(checkpoints.load(str(path))) == whole  # a date, for instance
        except checkpoints.Damaged:
            damaged += 1
    assert damaged > len(good) / 6
    path.write_bytes(good[: len(good) // 2])
    with pytest.raises(checkpoints.Damaged):
        checkpoints.load(str(path))


@pytest.mark.parametrize("part", [print, iter([1]), object(), numpy, Plain, numpy.array([{}], dtype=object)])
def test_what_has_no_state_to_be_told_is_refused(tmp_path: Path, part: Any) -> None:
    with pytest.raises(TypeError, match=r"cannot be (told|kept)"):
        checkpoints.save(str(tmp_path), "x.npz", {}, plain.take(part))
    assert list(tmp_path.iterdir()) == []


def test_what_differs_is_named() -> None:
    before = {"seed": 0, "packages": {"numpy": "2.4.0", "torch": "2.13"}}
    now = {"seed": 0, "packages": {"numpy": "2.4.1", "torch": "2.13"}}
    assert different(before, now) == ("packages numpy was 2.4.0, is 2.4.1",)
