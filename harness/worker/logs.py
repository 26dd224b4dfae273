"""What a program wrote for TensorBoard or MLflow: found in its folder, and read from where it began to write.

Runs nothing, needs neither of the two.  A log that is damaged, or a name that stands in none or in several of its
runs, is an error: a number that nobody can point to is no result.
"""

from __future__ import annotations

import os
from typing import Callable, Dict, Iterator, List, NamedTuple, Tuple

from harness.wire.event_files import read_scalars

LIBRARIES = ("__pycache__", "site-packages", "dist-packages", "node_modules")  # nobody's logs, and many files
TOLD = 12  # names in an error

Point = Tuple[int, float]  # step, value


class Series(NamedTuple):
    """All values of one name in one run, as they were written."""

    run: str  # TensorBoard: the folder of its files below the one that was searched; MLflow: the run's name
    name: str
    points: List[Point]


def sizes(kind: str, root: str) -> Dict[str, int]:
    """The logs of ``kind`` at or below ``root`` and how long they are now, in bytes."""
    found = {}
    for path in _files(root):
        if (os.path.basename(path).find("tfevents") >= 0) if kind == "tensorboard" else _metrics_folder(path, root):
            found[path] = os.path.getsize(path)
    return found


def read_series(kind: str, root: str, before: Dict[str, int]) -> List[Series]:
    """What was written since ``before``, as ``sizes`` told it.  Raises ValueError with the file of a damaged log."""
    found: Dict[Tuple[str, str], List[Point]] = {}
    for path, size in sorted(sizes(kind, root).items()):
        start = before.get(path, 0)
        if size == start:
            continue
        try:
            for run, name, point in _READERS[kind](path, root, start if size > start else 0):
                found.setdefault((run, name), []).append(point)
        except ValueError as error:
            raise ValueError("%s: %s" % (os.path.relpath(path, root), error)) from None
    return [Series(run, name, points) for (run, name), points in sorted(found.items())]


def choose(series: List[Series], asked: str) -> Series:
    """The one that is called ``asked``, or ``run/name`` where several runs have the name."""
    matching = [each for each in series if _is_called(each, asked)]
    if len(matching) == 1:
        return matching[0]
    told = ", ".join(_full(each) for each in (matching or series)[:TOLD]) or "nothing"
    if matching:
        raise ValueError("%s stands in several runs: %s; say which" % (asked, told))
    raise ValueError("there is no %s; what was written is: %s" % (asked, told))


def _is_called(each: Series, asked: str) -> bool:
    named = asked.endswith("/" + each.name) and ("/" + _full(each)).endswith("/" + asked)
    return asked == each.name or named


def _full(each: Series) -> str:
    return "%s/%s" % (each.run, each.name) if each.run else each.name


def _files(root: str) -> Iterator[str]:
    if os.path.isfile(root):
        yield root
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in LIBRARIES)
        yield from (os.path.join(folder, name) for name in sorted(names))


def _metrics_folder(path: str, root: str) -> str:
    """mlruns/EXPERIMENT/RUN/metrics for a metric of an MLflow run, whose name may hold a "/"; else ""."""
    folder = os.path.dirname(path)
    while len(folder) > len(root):
        if os.path.basename(folder) == "metrics":
            return folder if os.path.isfile(os.path.join(os.path.dirname(folder), "meta.yaml")) else ""
        folder = os.path.dirname(folder)
    return ""


def _of_tensorboard(path: str, root: str, start: int) -> Iterator[Tuple[str, str, Point]]:
    run = os.path.relpath(os.path.dirname(path), root if os.path.isdir(root) else os.path.dirname(root))
    with open(path, "rb") as file:
        for tag, step, value, _ in read_scalars(file, start):
            yield "" if run == "." else run.replace(os.sep, "/"), tag, (step, value)


def _of_mlflow(path: str, root: str, start: int) -> Iterator[Tuple[str, str, Point]]:
    """Lines of "milliseconds value step", of old versions without the step."""
    metrics = _metrics_folder(path, root)
    name = os.path.relpath(path, metrics).replace(os.sep, "/")
    run = _run_name(os.path.dirname(metrics))
    with open(path, encoding="utf-8") as file:
        file.seek(start)
        for number, line in enumerate(file):
            words = line.split()
            if len(words) < 2 or not line.endswith("\n"):
                raise ValueError("line %d is no metric: %r" % (number + 1, line[:80]))
            yield run, name, (int(words[2]) if len(words) > 2 else number, float(words[1]))


def _run_name(run: str) -> str:
    """As the run was called, else its id."""
    try:
        with open(os.path.join(run, "tags", "mlflow.runName"), encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return os.path.basename(run)


_READERS: Dict[str, Callable[[str, str, int], Iterator[Tuple[str, str, Point]]]] = {
    "tensorboard": _of_tensorboard,
    "mlflow": _of_mlflow,
}
KINDS = tuple(_READERS)
