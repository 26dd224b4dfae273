"""A capsule is refused, with what is wrong, before anything of it is unpacked."""

from __future__ import annotations

import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.capsule import open_capsule
from harness.commands.inspect import inspected
from harness.core.errors import HarnessError
from tests.capsule.forge import Forged, other_byte

PARTS = ("plain.py", ".lock", "numpy-2.4.toml", "record.json", "events.jsonl", "job.json", "baselines/", "verdicts")


def refused(path: Path) -> str:
    with pytest.raises(HarnessError) as told, inspected(path):
        pass
    assert told.value.code == 2
    assert told.value.hint
    return told.value.messages[0]


def test_a_sound_one_is_read(packed: Path) -> None:
    with inspected(packed) as found:
        assert [record.job.seed for record in found.records] == [0, 1]
        assert set(found.environments) == {"numpy-2.4"}
        assert found.warnings == ()


@pytest.mark.parametrize("part", PARTS)
def test_one_byte_is_found(forged: Forged, part: str) -> None:
    name = forged.spoil(part, other_byte)
    assert f"{name} has another sha256" in refused(forged.write())


@pytest.mark.parametrize("part", PARTS)
def test_a_missing_file_is_found(forged: Forged, part: str) -> None:
    name = forged.only(part)
    del forged.files[name]
    assert f"{name!r} is missing" in refused(forged.write())


@pytest.mark.parametrize(
    "name",
    ["environments/tf-2.20.toml", "baselines/gcn.toml", "runs/another/record.json", "data/cora/x.npy", "models/a.py"],
)
def test_a_file_that_no_run_needs_is_refused(forged: Forged, name: str) -> None:
    """It would shadow what is there, for whoever works in the folder later."""
    forged.files[name] = b"evil"
    forged.sign()
    assert f"{name!r} belongs to nothing that is packed" in refused(forged.write())


def test_a_file_that_nobody_named_is_found(forged: Forged) -> None:
    forged.files["models/extra.py"] = b"import os"
    assert "'models/extra.py' is not named" in refused(forged.write())


@pytest.mark.parametrize(
    "name", ["../evil.py", "/etc/evil.py", "code/../../evil.py", "a\\b.py", "C:\\evil.py", "./evil", "a//b", "a\nb"]
)
def test_a_name_that_leads_elsewhere_is_refused(forged: Forged, name: str) -> None:
    forged.files[name] = b"evil"
    forged.sign()
    assert "leads out of the capsule" in refused(forged.write())


def test_a_name_cut_short_by_a_zero_byte_is_refused(forged: Forged) -> None:
    forged.files["evilZ.py"] = b"evil"
    forged.sign()
    content = forged.write().read_bytes().replace(b"evilZ.py", b"evil\0.py")
    forged.path.write_bytes(content)
    assert "no capsule, or a damaged one" in refused(forged.path)


def entry_with(change: Callable[[zipfile.ZipInfo], None], forged: Forged) -> Path:
    """The forged capsule with one more, signed entry that ``change`` has spoilt."""
    forged.files["evil.py"] = b"/etc/passwd"
    forged.sign()
    with zipfile.ZipFile(forged.path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in forged.files.items():
            entry = zipfile.ZipInfo(name)
            if name == "evil.py":
                change(entry)
            archive.writestr(entry, content)
    return forged.path


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(forged: Forged, kind: int) -> None:
    path = entry_with(lambda entry: setattr(entry, "external_attr", (kind | 0o777) << 16), forged)
    assert "'evil.py' is a link or a device" in refused(path)


def test_other_ways_to_pack_are_refused(forged: Forged) -> None:
    path = entry_with(lambda entry: setattr(entry, "compress_type", zipfile.ZIP_BZIP2), forged)
    assert "'evil.py' is packed in a way that capsules are not" in refused(path)


def test_the_same_name_twice_is_refused(forged: Forged) -> None:
    forged.write()
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(forged.path, "a") as archive:
        archive.writestr("README.md", b"another")
    assert "a file is in it twice" in refused(forged.path)


def test_a_bomb_is_refused_before_it_goes_off(forged: Forged) -> None:
    forged.files["wheels/zeros"] = b"\0" * 30_000_000
    forged.sign()
    assert "unpacks to more than 200 times its size" in refused(forged.write())


def test_a_lie_about_sizes_is_refused(forged: Forged) -> None:
    forged.edit("capsule.json", lambda about: about["files"]["README.md"].__setitem__(1, 2**60))
    assert "more bytes, than can be right" in refused(forged.write())


def set_to(key: str, value: Any) -> Callable[[Any], None]:
    return lambda about: about.__setitem__(key, value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (set_to("format", 2), "format 2 is not 1"),
        (set_to("format", "\x1b[31m1"), "is not 1"),
        (set_to("model", "a; rm -rf /"), "capsule.json: model"),
        (set_to("model", "$(id)"), "capsule.json: model"),
        (set_to("model", ".."), "capsule.json: model"),
        (set_to("runs", []), "capsule.json: runs"),
        (set_to("protocol", "seven"), "capsule.json: protocol"),
        (set_to("environments", []), "environment numpy-2.4 is not in it"),
        (set_to("surprise", 1), "capsule.json: surprise"),
        (lambda about: about["runs"].append(about["runs"][0]), "a run is named twice"),
        (lambda about: about["runs"][0].update(id="../../x"), "capsule.json: runs.0.id"),
        (lambda about: about["runs"][0].update(seed=-1), "capsule.json: runs.0.seed"),
        (lambda about: about["runs"][0].update(environment="a b"), "capsule.json: runs.0.environment"),
        (lambda about: about["data"].update(digits="../x"), "capsule.json: data.digits"),
    ],
)
def test_a_manifest_that_says_other_things_is_refused(forged: Forged, change: Callable[[Any], None], said: str) -> None:
    forged.edit("capsule.json", change)
    told = refused(forged.write())
    assert said in told
    assert told.isprintable()


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{", b"[" * 100_000, b"\xff\xfe", b'{"format": 1}'])
def test_a_manifest_that_is_none_is_refused(forged: Forged, content: bytes) -> None:
    forged.files["capsule.json"] = content
    refused(forged.write())


def test_no_zip_at_all_is_refused(tmp_path: Path, packed: Path) -> None:
    path = tmp_path / "x.zip"
    whole = packed.read_bytes()
    for content in (b"", b"PK", b"no zip", whole[:-1], whole[: len(whole) // 2], whole[100:]):
        path.write_bytes(content)
        refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("README.md", "hello")
    assert "holds no capsule.json" in refused(path)
    assert "no such file" in refused(tmp_path / "gone.zip")


def signed(forged: Forged) -> Path:
    forged.sign()
    return forged.write()


def test_signed_again_the_code_still_has_to_be_what_ran(forged: Forged) -> None:
    forged.spoil("plain.py", other_byte)
    assert "its code is not what" in refused(signed(forged))


def test_signed_again_the_lock_still_has_to_be_that_of_the_runs(forged: Forged) -> None:
    forged.spoil(".lock", lambda lock: lock.replace(b"sha256:0", b"sha256:1").replace(b"sha256:a", b"sha256:b"))
    assert "another digest than its runs were made in" in refused(signed(forged))


def test_signed_again_the_record_still_has_to_be_of_the_run(forged: Forged) -> None:
    record = forged.only("record.json")
    forged.edit(record, lambda said: said["job"].update(seed=7))
    assert "tell of different runs" in refused(signed(forged))
    forged.edit(record, lambda said: said.update(id="another"))
    assert "is the record of another run" in refused(signed(forged))


def test_signed_again_a_record_still_has_to_be_one(forged: Forged) -> None:
    forged.files[forged.only("record.json")] = b'{"id": 1}'
    with pytest.raises(HarnessError, match="not a record"), inspected(signed(forged)):
        pass


def test_what_it_says_moves_no_cursor(forged: Forged) -> None:
    forged.edit("capsule.json", set_to("harness", "\x1b[2J<script>"))
    with open_capsule(signed(forged)) as capsule:
        assert capsule.about.harness.startswith("\x1b")  # read as it is, shown by reports.capsule as it may be


def test_the_readme_and_page_of_a_capsule_name_its_runs(packed: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        about = json.loads(archive.read("capsule.json"))
        readme = archive.read("README.md").decode()
        assert "harness reproduce THIS_FILE" in readme
        assert all(run["id"] in archive.read("report.html").decode() for run in about["runs"])
