"""Runs arrive whole or not at all, whatever happened to the archive on its way."""

from __future__ import annotations

import gzip
import io
import json
import random
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.core.errors import HarnessError
from harness.store import RunFolder, create_run
from harness.store.archives import export_runs, import_runs
from harness.wire.events import Event
from tests.store.writer import named

Entries = list[tuple[tarfile.TarInfo, bytes]]


def make_run(state: Path, number: int) -> RunFolder:
    run = named(number)
    folder = create_run(state, run.id)
    folder.append(Event("run_start", 0.0, {}))
    (folder.code / "models").mkdir(parents=True)
    (folder.code / "models" / "a name that is longer than a tar of old would take".ljust(180, "x")).write_text("código")
    (folder.code / "empty.py").write_text("")
    folder.finish(run)
    return folder


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "runs.tar.gz"
    export_runs([make_run(tmp_path / "here", number) for number in (1, 2)], path)
    return path


def contents(state: Path) -> dict[str, bytes]:
    folder = state / "runs"
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def refused(archive: Path, state: Path) -> HarnessError:
    before = contents(state)
    with pytest.raises(HarnessError) as told:
        import_runs(archive, state)
    assert contents(state) == before
    assert not list((state / "imports").glob("import-*"))
    return told.value


def test_runs_arrive_as_they_were_and_a_second_time_they_are_skipped(tmp_path: Path, archive: Path) -> None:
    found = import_runs(archive, tmp_path / "there")
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert (found.new, found.skipped) == ((named(1).id, named(2).id), ())
    again = import_runs(archive, tmp_path / "there")
    assert (again.new, again.skipped) == ((), (named(1).id, named(2).id))


def test_equal_runs_make_equal_bytes_whatever_python_cached_beside_them(tmp_path: Path, archive: Path) -> None:
    folders = [RunFolder(path) for path in sorted((tmp_path / "here" / "runs").iterdir())]
    (folders[0].code / "__pycache__").mkdir()
    (folders[0].code / "__pycache__" / "empty.cpython-311.pyc").write_bytes(b"x")
    (folders[0].path / ".record.json.7.tmp").write_bytes(b"half")
    export_runs(folders, tmp_path / "again.tar.gz")
    assert (tmp_path / "again.tar.gz").read_bytes() == archive.read_bytes()
    assert import_runs(archive, tmp_path / "here").new == ()  # nor are they other content


def test_an_archive_is_never_written_over(tmp_path: Path, archive: Path) -> None:
    for target in (archive, tmp_path / "nowhere" / "runs.tar.gz"):
        with pytest.raises(HarnessError, match=r"runs\.tar\.gz: "):
            export_runs([], target)


def test_a_run_that_is_here_with_other_content_stops_all_of_it(tmp_path: Path, archive: Path) -> None:
    folder = make_run(tmp_path / "there", 2)
    folder.append(Event("run_stop", 1.0, {}))
    assert "other content" in str(refused(archive, tmp_path / "there"))


def test_what_a_killed_import_left_is_removed(tmp_path: Path, archive: Path) -> None:
    left = tmp_path / "there" / "imports" / "import-killed" / named(1).id
    left.mkdir(parents=True)
    (left / "record.json").write_text("{")
    import_runs(archive, tmp_path / "there")
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert [path.name for path in (tmp_path / "there" / "imports").iterdir()] == ["lock"]


def test_an_archive_that_is_cut_anywhere_is_refused(tmp_path: Path, archive: Path) -> None:
    whole = archive.read_bytes()
    for length in [*range(0, len(whole), 197), len(whole) - 1]:
        archive.write_bytes(whole[:length])
        assert refused(archive, tmp_path / "there").hint


def test_an_archive_with_a_wrong_bit_anywhere_is_refused_or_changes_nothing(tmp_path: Path, archive: Path) -> None:
    whole = bytearray(archive.read_bytes())
    chosen = random.Random(5)
    for _ in range(40):
        place, bit = chosen.randrange(10, len(whole)), 1 << chosen.randrange(8)  # gzip's header says nothing of ours
        whole[place] ^= bit
        archive.write_bytes(whole)
        refused(archive, tmp_path / "there")
        whole[place] ^= bit


def entries(archive: Path) -> Entries:
    with tarfile.open(archive) as found:
        return [(entry, content.read()) for entry in found if (content := found.extractfile(entry))]


def pack(archive: Path, packed: Entries) -> None:
    with tarfile.open(archive, "w:gz") as made:
        for entry, content in packed:
            made.addfile(entry, io.BytesIO(content))


def manifest(change: Callable[[dict[str, object]], object]) -> Callable[[Entries], None]:
    def forge(packed: Entries) -> None:
        said = json.loads(packed[0][1])
        change(said)
        content = json.dumps(said).encode()
        packed[0][0].size = len(content)
        packed[0] = (packed[0][0], content)

    return forge


def rename(name: str) -> Callable[[Entries], None]:
    """In the manifest as well: only the name is wrong."""

    def forge(packed: Entries) -> None:
        run, _, file = packed[1][0].name.partition("/")

        def change(said: dict[str, object]) -> None:
            files = said["runs"][run]  # type: ignore[index]
            files[name] = files.pop(file)

        packed[1][0].name = f"{run}/{name}"
        manifest(change)(packed)

    return forge


def kind(type: bytes) -> Callable[[Entries], None]:
    def forge(packed: Entries) -> None:
        packed[1][0].type = type
        packed[1][0].linkname = "/etc/passwd"
        packed[1][0].size = 0
        packed[1] = (packed[1][0], b"")

    return forge


def absolute(packed: Entries) -> None:
    packed[1][0].name = "/tmp/" + packed[1][0].name


def twice(packed: Entries) -> None:
    packed.append(packed[1])


def unnamed(packed: Entries) -> None:
    entry = tarfile.TarInfo(packed[1][0].name + "x")
    packed.append((entry, b""))


def other_content(packed: Entries) -> None:
    packed[-1] = (packed[-1][0], b"X" * packed[-1][0].size)


def run_called(name: str) -> Callable[[Entries], None]:
    def forge(packed: Entries) -> None:
        run = packed[1][0].name.partition("/")[0]
        manifest(lambda said: said["runs"].update({name: said["runs"].pop(run)}))(packed)  # type: ignore[attr-defined]
        for entry, _ in packed[1:]:
            entry.name = entry.name.replace(run, name)

    return forge


@pytest.mark.parametrize(
    "forge",
    [
        lambda packed: packed.pop(0),
        lambda packed: packed.pop(),
        lambda packed: packed.clear(),
        absolute,
        twice,
        unnamed,
        other_content,
        *map(kind, (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE)),
        *map(
            rename, ("../../../escaped", "/tmp/escaped", "a/../../escaped", "./x", "", "a//b", "record.json/x", "\x00")
        ),
        *map(run_called, ("..", ".", "a/b", "/tmp", "", "20260101T000000-other")),
        manifest(lambda said: said.update(format=2)),
        manifest(lambda said: said.update(runs=[])),
        manifest(lambda said: said.update(runs={"a": {"b": 3}})),
        manifest(lambda said: said.update(runs={"a": [1]})),
        manifest(lambda said: said.pop("runs")),
    ],
)
def test_a_forged_archive_is_refused_and_leaves_no_trace(
    tmp_path: Path, archive: Path, forge: Callable[[Entries], None]
) -> None:
    packed = entries(archive)
    forge(packed)
    pack(archive, packed)
    refused(archive, tmp_path / "there")
    assert not list(tmp_path.rglob("*escaped*"))


@pytest.mark.parametrize("content", [b"", b"\x00" * 1000, b"PK\x03\x04", gzip.compress(b"[" * 100_000)])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.tar.gz"
    path.write_bytes(content)
    assert "damaged, or no archive" in str(refused(path, tmp_path / "there"))


def test_an_archive_that_is_not_there_and_a_run_with_a_link_are_told(tmp_path: Path) -> None:
    assert "no such file" in str(refused(tmp_path / "none.tar.gz", tmp_path / "there"))
    folder = make_run(tmp_path, 1)
    (folder.path / "link").symlink_to("/etc/passwd")
    with pytest.raises(HarnessError, match="a link"):
        export_runs([folder], tmp_path / "x.tar.gz")
