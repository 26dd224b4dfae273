"""A wrapped program in a capsule: what of its record may leave the machine, and what of it can be made again.

Pure: a record in, a record or words out.  A file outside of the program's folder is called by its content, since
nobody else has that path.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from harness.capsule.privacy import PATH
from harness.core.errors import HarnessError
from harness.core.reproduction import is_program
from harness.core.values import Record
from harness.wire.digests import code_digest

PROGRAM = "program"  # the environment that is made again for it, in a capsule
FILES = "files"  # its data set
PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;]+)", re.MULTILINE)


def packed_environment(record: Record) -> str:
    """What the environment of a run is called in a capsule."""
    return PROGRAM if is_program(record) else record.job.environment


def outside(name: str) -> bool:
    """Whether a data file lies elsewhere than in the program's folder."""
    return name.startswith(("/", "outside/"))


def public_program(record: Record) -> Record:
    """Without the places of files outside of its folder: /home/a/mnist.npz -> outside/2f1c90ab34de/mnist.npz."""
    if not is_program(record) or record.data is None:
        return record
    job = record.job
    named = dataclasses.replace(job, environment=PROGRAM) if job.environment == "current" else job
    files = _renamed(record.data.get("files", {}))
    renamed = dict(zip(record.data.get("files", {}), files, strict=True))
    digest = code_digest({name: said["sha256"] for name, said in files.items()})
    return dataclasses.replace(
        record,
        job=named,
        data={**record.data, "files": files},
        digests={**record.digests, "data": digest},
        edited=tuple(renamed.get(name, PurePath(name).name if outside(name) else name) for name in record.edited),
    )


def public_files(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The same of the event ``files``."""
    edited = [PurePath(name).name if outside(name) else name for name in fields.get("edited", ())]
    return {**fields, "data": _renamed(fields["data"]), "edited": edited}


def _renamed(files: Mapping[str, Any]) -> dict[str, Any]:
    return {_public_name(name, said["sha256"]): said for name, said in files.items()}


def _public_name(name: str, sha256: str) -> str:
    return f"outside/{sha256[:12]}/{PurePath(name).name}" if name.startswith("/") else name


def public_hyperparameters(hyperparameters: Mapping[str, Any], *, include_host: bool) -> dict[str, Any]:
    """Its command as it can be run in another folder and with another interpreter.

    Raises HarnessError where a word of it still names a place, unless ``include_host``.
    """
    folder = str(hyperparameters["folder"]).rstrip("/") + "/"
    first, *rest = map(str, hyperparameters["argv"])
    argv = [PurePath(first).name if first.startswith("/") else first, *(word.replace(folder, "") for word in rest)]
    log = str(hyperparameters.get("log", "")).replace(folder, "")
    places = [word for word in (*argv, log) if PATH.search(word)]
    if places and not include_host:
        raise HarnessError(
            f"its command names {places[0]}, which is a place of this machine",
            hint="wrap it with a path below its own folder, or pack with --include-host",
        )
    kept = {name: value for name, value in hyperparameters.items() if name != "bin"}
    return {**kept, "argv": argv, "folder": "", "log": log}


def named_nowhere(hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
    """The same for a page: a word that names a place is only said to be one."""
    kept = public_hyperparameters(hyperparameters, include_host=True)
    hidden = ["(a path)" if PATH.search(word) else word for word in kept["argv"]]
    return {**kept, "argv": hidden, "log": "(a path)" if PATH.search(kept["log"]) else kept["log"]}


def locked_versions(lock: str) -> dict[str, str]:
    """name -> version of everything that a lock pins, names as an index normalises them."""
    return {normal(name): version for name, version in PIN.findall(lock)}


def normal(name: str) -> str:
    """https://packaging.python.org/en/latest/specifications/name-normalization/"""
    return re.sub(r"[-_.]+", "-", name).lower()


def reproducible(record: Record, lock: str) -> list[str]:
    """What of a wrapped run can be made again exactly, and what cannot: a sentence each."""
    pinned = locked_versions(lock)
    left = sorted(name for name in record.packages if normal(name) not in pinned)
    local = [name for name in left if name in record.elsewhere]
    unknown = [name for name in left if name not in record.elsewhere]
    python = record.libraries.get("python", "")
    said = [
        f"packages: {len(record.packages) - len(left)} of {len(record.packages)} have their version and sha256 in the"
        " lock; whether they hold the same files as those of that run is said after it was made again"
    ]
    if local:
        said.append(f"not exactly: {_list(local)}: installed from a folder or an address, not from an index")
    if unknown:
        said.append(f"not exactly: {_list(unknown)}: no index of whoever packed it has that version")
    minor = ".".join(python.split(".")[:2])
    said.append(f"Python {python}: some Python {minor} of this machine is taken, and which one is said afterwards")
    said.append("final weights: a program does not tell them; its numbers are compared")
    if away := sorted(name for name in (record.data or {}).get("files", {}) if outside(name)):
        said.append(
            f"not exactly: {_list(away)}: read from outside of its folder, where the program looks for it again"
        )
    said.append("not recorded: other programs than Python that it starts, and files that a library opens in C")
    return said


def _list(names: Sequence[str], most: int = 12) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
