"""Run a program that knows nothing of the harness, read its words, and note the files that it used.

Hyper-parameters: ``argv`` (``{seed}`` stands for the seed), ``folder`` (where it runs), ``patterns``
("name=regular expression with one group", searched in every line that it prints, or "name=tensorboard:TAG" and
"name=mlflow:KEY") and ``log``: a file of JSON lines that it writes, of which every number of a metric's name counts, or
the folder in which it writes for TensorBoard or MLflow; "" for none and its own folder.  ``bin``, where it is given, is
the folder of programs that comes first: that of an environment that was made again.
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
from typing import Any, Dict, Iterator, List, NamedTuple, Set, Tuple

from harness.worker import logs

CODE = (".py", ".pyx", ".sh", ".cfg", ".ini", ".toml", ".yaml", ".yml", ".json", ".ipynb")
BLOCK = 1 << 20
INTERPRETER = ("packages", "installed", "elsewhere", "python", "executable")
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
    variables = _variables(trace, str(hparams.get("bin", "")))
    process = subprocess.Popen(
        argv, cwd=folder, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
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
    code, data, edited, interpreter = _files(trace, folder, argv)
    run.files(code, data, edited, **interpreter)
    if log and not os.path.isdir(log) and not any(logs.sizes(kind, log) for kind in logs.KINDS):
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


def _variables(trace: str, programs: str) -> Dict[str, str]:
    """The program's own variables; PYTHONPATH gets the tracer's folder in front, PATH that of ``programs``."""
    tracer = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tracer")
    paths = [tracer] + [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    hidden = ("HARNESS_EVENTS_FD", "HARNESS_LIFELINE_FD")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    if programs:
        paths = [tracer]  # nothing of this machine's beside the environment's own packages
        kept["PATH"] = os.pathsep.join([programs, os.environ.get("PATH", os.defpath)])
    return dict(kept, PYTHONPATH=os.pathsep.join(paths), HARNESS_TRACE=trace)


class Traced(NamedTuple):
    """Files as they were when they were opened, files of modules, and the interpreter that ended last."""

    seen: Dict[str, Any]
    modules: Set[str]
    libraries: List[str]  # where they lie
    interpreter: Dict[str, Any]  # packages, installed, elsewhere, python, executable


def _files(
    trace: str, folder: str, argv: List[str]
) -> Tuple[Dict[str, str], Dict[str, Any], List[str], Dict[str, Any]]:
    """Code of the project (copied below code/project), data, what changed meanwhile, and the interpreter."""
    traced = _traced(trace)
    project = os.path.realpath(folder)
    libraries = [place for place in traced.libraries + list(SYSTEM) if not (project + os.sep).startswith(place)]
    scripts = {os.path.abspath(os.path.join(folder, word)) for word in argv if word.endswith(CODE)}
    modules = traced.modules | scripts  # a shell reads its script unseen
    code: Dict[str, str] = {}
    data: Dict[str, Any] = {}
    edited: List[str] = []
    for path in sorted(set(traced.seen) | modules):
        if not os.path.isfile(path) or _of_a_library(path, libraries):
            continue
        inside = os.path.relpath(os.path.realpath(path), project)
        shown = path if inside.startswith("..") else inside
        digest = _sha256(path)
        said = traced.seen.get(path)
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
    return code, data, edited, traced.interpreter


def _traced(trace: str) -> Traced:
    found = Traced({}, set(), [], {"packages": {}, "installed": {}, "elsewhere": []})
    try:
        with open(trace, encoding="utf-8") as file:
            lines = file.readlines()
    except OSError:  # no Python program, or one that hides from sitecustomize (-I, -S)
        return found
    for line in lines:
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if "read" in said:
            found.seen.setdefault(said["read"], said)
        else:
            found.modules.update(said["modules"].values())
            found.libraries.extend(place + os.sep for place in said["prefix"] if place != "/usr")
            found.interpreter.update({name: said[name] for name in INTERPRETER})
    return found


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
