"""Run a program that knows nothing of the harness, read its words, and note the files that it used.

Hyper-parameters: ``argv`` (``{seed}`` stands for the seed), ``folder`` (where it runs), ``patterns``
("name=regular expression with one group", searched in every line that it prints, or "name=tensorboard:TAG" and
"name=mlflow:KEY") and ``log``: a file of JSON lines that it writes, of which every number of a metric's name counts, or
the folder in which it writes for TensorBoard or MLflow; "" for none and its own folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from typing import Any, Dict, Iterator, List, Set, Tuple

from harness.worker import logs

CODE = (".py", ".pyx", ".sh", ".cfg", ".ini", ".toml", ".yaml", ".yml", ".json", ".ipynb")
BLOCK = 1 << 20
SOURCES = tuple(kind + ":" for kind in logs.KINDS)
SYSTEM = ("/proc/", "/sys/", "/dev/", "/etc/", "/usr/lib/", "/usr/share/zoneinfo/")


class CommandFailed(Exception):
    """The program ended with another status than 0."""


def train(run: Any) -> None:
    hparams = run.hparams
    argv = [str(word).replace("{seed}", str(run.seed)) for word in hparams["argv"]]
    folder = str(hparams["folder"])
    trace = os.path.join(os.getcwd(), "trace.jsonl")
    asked = [str(word).partition("=") for word in hparams["patterns"]]
    patterns = [(name, re.compile(said)) for name, _, said in asked if not said.startswith(SOURCES)]
    log = os.path.join(folder, hparams["log"]) if hparams.get("log") else ""
    read = os.path.getsize(log) if os.path.isfile(log) else 0  # what earlier runs wrote is not ours
    root = log or folder
    before = {kind: logs.sizes(kind, root) for kind in logs.KINDS}
    started = time.perf_counter()
    process = subprocess.Popen(
        argv, cwd=folder, env=_variables(trace), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    counts: Dict[str, int] = {}
    for raw in process.stdout:
        sys.stdout.buffer.write(raw)
        sys.stdout.flush()
        line = raw.decode("utf-8", "replace")
        for name, pattern in patterns:
            for match in pattern.finditer(line):
                _tell(run, counts, name, match.group(1))
    status = process.wait()
    seconds = time.perf_counter() - started
    run.files(*_files(trace, folder))
    if log and not os.path.isdir(log) and "tfevents" not in os.path.basename(log):
        for name, value in _logged(log, read, run.metrics):
            _tell(run, counts, name, value)
    for name, _, said in asked:
        if said.startswith(SOURCES):
            _tell_series(run, name, said, root, before)
    if "seconds" in run.metrics:
        run.metric("seconds", seconds)
    if status != 0:
        raise CommandFailed("%s ended with %s" % (argv[0], _told(status)))


def _told(status: int) -> str:
    return "signal %d" % -status if status < 0 else "exit status %d" % status


def _tell(run: Any, counts: Dict[str, int], name: str, value: Any) -> None:
    """The first number is that of epoch 0, and so on: what a program says is taken as it comes."""
    try:
        number = float(str(value).replace(",", "").rstrip("%"))
    except ValueError:
        sys.stderr.write("harness: %s is no number: %r\n" % (name, value))
        return
    run.metric(name, number, epoch=counts.get(name, 0))
    counts[name] = counts.get(name, 0) + 1


def _tell_series(run: Any, name: str, said: str, root: str, before: Dict[str, Dict[str, int]]) -> None:
    """Its steps are the curve, what was written last is the metric; what cannot be read is said and left out."""
    kind, _, wanted = said.partition(":")
    try:
        found = logs.choose(logs.read_series(kind, root, before[kind]), wanted)
    except (OSError, ValueError) as error:
        sys.stderr.write("harness: %s is not known: %s: %s\n" % (name, kind, error))
        return
    for step, value in found.points:
        run.metric(name, value, epoch=step)


def _logged(log: str, start: int, metrics: Any) -> Iterator[Tuple[str, Any]]:
    try:
        with open(log, encoding="utf-8", errors="replace") as file:
            file.seek(start)
            lines = file.readlines()
    except OSError as error:
        raise CommandFailed("%s cannot be read: %s" % (log, error.strerror)) from None
    for line in lines:
        try:
            said = json.loads(line)
        except ValueError:
            continue
        for name in metrics if isinstance(said, dict) else ():
            if isinstance(said.get(name), (int, float)):
                yield name, said[name]


def _variables(trace: str) -> Dict[str, str]:
    """The program's own variables; PYTHONPATH gets the tracer's folder in front."""
    tracer = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tracer")
    paths = [tracer] + [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    hidden = ("HARNESS_EVENTS_FD", "HARNESS_LIFELINE_FD")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return dict(kept, PYTHONPATH=os.pathsep.join(paths), HARNESS_TRACE=trace)


def _files(trace: str, folder: str) -> Tuple[Dict[str, Any], Dict[str, Any], List[str], Dict[str, str]]:
    """Code of the project (copied below code/project), data, what changed meanwhile, and packages."""
    seen, modules, packages, outside = _traced(trace)
    project = os.path.realpath(folder)
    libraries = [place for place in outside + list(SYSTEM) if not (project + os.sep).startswith(place)]
    code: Dict[str, str] = {}
    data: Dict[str, Any] = {}
    edited: List[str] = []
    for path in sorted(set(seen) | modules):
        if not os.path.isfile(path) or _of_a_library(path, libraries):
            continue
        inside = os.path.relpath(os.path.realpath(path), project)
        shown = path if inside.startswith("..") else inside
        digest = _sha256(path)
        said = seen.get(path)
        now = os.stat(path)
        if said is not None and (said["bytes"], said["changed"]) != (now.st_size, now.st_mtime_ns):
            edited.append(shown)
        if (path in modules or path.endswith(CODE)) and not inside.startswith(".."):
            target = os.path.join(os.getcwd(), "code", "project", inside)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(path, target)
            code[inside] = digest
        else:
            data[shown] = {"sha256": digest, "bytes": now.st_size}
    return code, data, edited, packages


def _traced(trace: str) -> Tuple[Dict[str, Any], Set[str], Dict[str, str], List[str]]:
    """Files as they were when they were opened, files of modules, packages, and where libraries lie."""
    seen: Dict[str, Any] = {}
    modules: Set[str] = set()
    packages: Dict[str, str] = {}
    outside: List[str] = []
    try:
        with open(trace, encoding="utf-8") as file:
            lines = file.readlines()
    except OSError:  # no Python program, or one that hides from sitecustomize (-I, -S)
        return seen, modules, packages, outside
    for line in lines:
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if "read" in said:
            seen.setdefault(said["read"], said)
        else:
            modules.update(said["modules"].values())
            packages.update(said["packages"])
            outside += [place + os.sep for place in said["prefix"] if place != "/usr"]
    return seen, modules, packages, outside


def _of_a_library(path: str, libraries: List[str]) -> bool:
    parts = path.split(os.sep)
    if "site-packages" in parts or "dist-packages" in parts or "__pycache__" in parts:
        return True
    own = os.path.dirname(os.path.abspath(__file__)) + os.sep
    return path.startswith((own, *libraries))


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(BLOCK), b""):
            digest.update(block)
    return digest.hexdigest()
