"""``harness wrap``: any training script, unedited, as a run like any other."""

from __future__ import annotations

import re
import sys
import threading
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import tomlkit

from harness import registry, store
from harness.commands.cell import Request
from harness.commands.run import Outcome, run
from harness.core.errors import HarnessError
from harness.wire import COMMAND, MODEL_FILES, SECONDS

RECIPE = "wrapped"
CODE = "from harness.worker.command import train  # noqa: F401\n"
WEEK_MINUTES = 7 * 24 * 60
ECHO_SECONDS = 0.2
NAME = r"[a-z0-9][a-z0-9._-]*"


@dataclass(frozen=True, kw_only=True)
class Wrapping:
    argv: tuple[str, ...]
    folder: Path  # where it runs
    name: str | None = None
    patterns: tuple[str, ...] = ()  # NAME=REGEX, NAME=tensorboard:TAG, NAME=mlflow:KEY
    lower: tuple[str, ...] = ()  # names of metrics of which less is better
    log: Path | None = None  # JSON lines that it writes, or the folder of its TensorBoard or MLflow logs
    logged: tuple[str, ...] = ()  # names of metrics to read there
    seed: int = 0


def wrap(workspace: registry.Workspace, asked: Wrapping) -> Outcome:
    """Write the model that the program is from now on, and run it once.  Its words are shown as they come."""
    name = asked.name or _name(asked.argv)
    folder = workspace.state / "wrapped" / "models" / name
    asked = _as_before(asked, folder / "model.toml")
    _check(workspace, asked, name, folder)
    with store.disk_faults(folder):
        write_model(folder, _toml(asked, name))
    workspace = replace(workspace, shelves=tuple(dict.fromkeys((*workspace.shelves, folder.parents[1]))))
    before = store.run_names(workspace.state)
    with _echo(workspace, name, before):
        return run(workspace, Request(model=name, recipe=RECIPE, seeds=(asked.seed,), max_seeds=1))


def write_model(folder: Path, toml: str) -> None:
    """A wrapped program as a model: its toml, and the one line of code that it has here."""
    folder.mkdir(parents=True, exist_ok=True)
    store.write_whole(folder / "model.toml", toml)
    store.write_whole(folder / MODEL_FILES[COMMAND], CODE)


def _name(argv: Sequence[str]) -> str:
    """train for ``python -u src/train.py --lr 0.1``: the first script, else the program."""
    scripts = [word for word in argv[1:] if word.endswith((".py", ".sh"))]
    stem = Path(scripts[0] if scripts else argv[0]).stem
    return re.sub(r"[^a-z0-9._-]+", "-", stem.lower()).strip("-._") or "program"


def _as_before(asked: Wrapping, toml: Path) -> Wrapping:
    """With the metrics that the program was wrapped with last time, where none are asked for now."""
    if asked.patterns or asked.log or not toml.is_file():
        return asked
    recipe = tomllib.loads(toml.read_text(encoding="utf-8"))["recipes"][RECIPE]
    hparams, metrics = recipe["hyperparameters"], recipe["metrics"]
    printed = [word.partition("=")[0] for word in hparams["patterns"]]
    names = [metric["name"] for metric in metrics if metric["name"] != SECONDS]
    return replace(
        asked,
        patterns=tuple(hparams["patterns"]),
        log=Path(hparams["log"]) if hparams["log"] else None,
        logged=tuple(name for name in names if name not in printed),
        lower=tuple(each["name"] for each in metrics if each["name"] in names and each["better"] == "lower"),
    )


def _check(workspace: registry.Workspace, asked: Wrapping, name: str, folder: Path) -> None:
    if not re.fullmatch(NAME, name):
        raise HarnessError(f"{name!r} is no name of a model", hint="use a-z, 0-9, '.', '_' and '-': --name NAME")
    for word in asked.patterns:
        _check_metric(word)
    if asked.log and not asked.logged and not any(map(_source, asked.patterns)):
        raise HarnessError("--log names no metric", hint="say which numbers of its lines count: --logged NAME")
    if unknown := set(asked.lower) - set(_metrics(asked)):
        raise HarnessError(f"--lower {min(unknown)}: no such metric", hint=f"known: {', '.join(_metrics(asked))}")
    others = [shelf for shelf in workspace.shelves if (shelf / "models" / name / "model.toml").is_file()]
    if any(shelf / "models" / name != folder for shelf in others):
        raise HarnessError(f"there is a model called {name} already", hint="choose another name: --name NAME")


def _check_metric(word: str) -> None:
    metric, separator, expression = word.partition("=")
    if separator and re.fullmatch(NAME, metric) and _source(word):
        return
    try:
        groups = re.compile(expression).groups
    except re.error as error:
        raise HarnessError(f"--metric {word!r}: {error}", hint="write it as NAME=REGEX, as Python reads it") from None
    if not separator or not re.fullmatch(NAME, metric) or groups != 1:
        raise HarnessError(
            f"--metric {word!r} is no NAME=REGEX with one group (...) around the number",
            hint=r"for instance: --metric 'top1=accuracy: ([0-9.]+)', or top1=tensorboard:TAG, or top1=mlflow:KEY",
        )


def _source(word: str) -> re.Match[str] | None:
    """Whether NAME=... names a scalar that the program logs, rather than what it prints."""
    return re.match(r"[^=]*=(tensorboard|mlflow):\S", word)


def _metrics(asked: Wrapping) -> list[str]:
    return [*(word.partition("=")[0] for word in asked.patterns), *asked.logged, SECONDS]


def _toml(asked: Wrapping, name: str) -> str:
    metrics = [
        {
            "name": metric,
            "unit": "s" if metric == SECONDS else "number",
            "better": "lower" if metric in (*asked.lower, SECONDS) else "higher",
            "split": "whatever the program measures it on",
        }
        for metric in dict.fromkeys(_metrics(asked))
    ]
    hyperparameters = {
        "argv": list(asked.argv),
        "folder": str(asked.folder),
        "patterns": list(asked.patterns),
        "log": str(asked.log or ""),
    }
    recipe = {
        "summary": " ".join(asked.argv),
        "mode": "train",
        "deadline_minutes": WEEK_MINUTES,
        "first_seeds": 1,
        "max_seeds": 10,
        "hyperparameters": hyperparameters,
        "metrics": metrics,
    }
    return tomlkit.dumps(
        {"title": name, "task": "wrapped program", "default_recipe": RECIPE, "recipes": {RECIPE: recipe}}
    )


@contextmanager
def _echo(workspace: registry.Workspace, name: str, before: set[str]) -> Iterator[None]:
    """Show what the program prints, while it prints it."""
    done = threading.Event()
    thread = threading.Thread(target=_follow, args=(workspace.state, name, before, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _follow(state: Path, name: str, before: set[str], done: threading.Event) -> None:
    shown = 0
    while True:
        last = done.wait(ECHO_SECONDS)
        new = sorted(run for run in store.run_names(state) - before if f"-{name}-{RECIPE}-" in run)
        path = state / "runs" / new[0] / "worker.log" if new else None
        if path and path.is_file():
            with path.open("rb") as file:
                file.seek(shown)
                words = file.read()
            shown += len(words)
            sys.stderr.write(words.decode("utf-8", "replace"))
            sys.stderr.flush()
        if last:
            return
