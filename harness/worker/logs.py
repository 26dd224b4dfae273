"""What a program wrote for TensorBoard or MLflow: found in its folder, and read from where it began to write.

MLflow writes into files (mlruns/) or, by default since version 3, into a data base of SQLite (mlflow.db).

Runs nothing, needs neither of the two.  A log that is damaged, or a name that stands in none or in several of its
runs, is an error: a number that nobody can point to is no result.
"""

from __future__ import annotations

import math
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

from harness.wire.event_files import read_scalars

LIBRARIES = ("__pycache__", "site-packages", "dist-packages", "node_modules")  # nobody's logs, and many files
TOLD = 12  # names in an error
SQLITE = b"SQLite format 3\0"  # how such a file begins (https://www.sqlite.org/fileformat2.html)
DAMAGED = -1  # the length of a data base that does not answer

Point = Tuple[int, float]  # step, value


class Series(NamedTuple):
    """All values of one name in one run, as they were written."""

    run: str  # TensorBoard: the folder of its files below the one that was searched; MLflow: the run's name
    name: str
    points: List[Point]


def sizes(kind: str, root: str) -> Dict[str, int]:
    """The logs of ``kind`` at or below ``root`` and how long they are now: in bytes, a data base in rows."""
    found = {}
    for path in _files(root):
        length = _LENGTHS[kind](path, root)
        if length is not None:
            found[path] = length
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


def _tensorboard_length(path: str, _: str) -> Optional[int]:
    return os.path.getsize(path) if "tfevents" in os.path.basename(path) else None


def _mlflow_length(path: str, root: str) -> Optional[int]:
    if _is_database(path, root):
        return _newest_row(path)
    return os.path.getsize(path) if _metrics_folder(path, root) else None


def _is_database(path: str, root: str) -> bool:
    if not (path.endswith(".db") or path == root):
        return False
    with open(path, "rb") as file:
        return file.read(len(SQLITE)) == SQLITE


def _newest_row(path: str) -> Optional[int]:
    """None where it is no data base of MLflow's."""
    try:
        with closing(_open_database(path)) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not {"metrics", "runs", "experiments"} <= tables:
                return None
            return int(database.execute("SELECT coalesce(max(rowid), 0) FROM metrics").fetchone()[0])
    except sqlite3.Error:
        return DAMAGED


def _open_database(path: str) -> sqlite3.Connection:
    return sqlite3.connect(Path(os.path.abspath(path)).as_uri() + "?mode=ro", uri=True)


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
    return _of_database(path, start) if _is_database(path, root) else _of_metric_file(path, root, start)


def _of_database(path: str, start: int) -> Iterator[Tuple[str, str, Point]]:
    """Its rows after ``start``.  NaN has a column of its own, and the largest number stands for infinity."""
    query = (
        "SELECT coalesce(nullif(runs.name, ''), runs.run_uuid), metrics.key, metrics.step, metrics.value,"
        " metrics.is_nan FROM metrics JOIN runs ON runs.run_uuid = metrics.run_uuid"
        " WHERE metrics.rowid > ? ORDER BY metrics.rowid"
    )
    try:
        with closing(_open_database(path)) as database:
            for run, name, step, value, is_nan in database.execute(query, (max(start, 0),)):
                number = math.nan if is_nan else float(value)
                infinite = abs(number) == sys.float_info.max
                yield str(run), str(name), (int(step), math.copysign(math.inf, number) if infinite else number)
    except sqlite3.Error as error:
        raise ValueError("is no sound data base of MLflow: %s" % error) from None


def _of_metric_file(path: str, root: str, start: int) -> Iterator[Tuple[str, str, Point]]:
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


_LENGTHS: Dict[str, Callable[[str, str], Optional[int]]] = {
    "tensorboard": _tensorboard_length,
    "mlflow": _mlflow_length,
}
_READERS: Dict[str, Callable[[str, str, int], Iterator[Tuple[str, str, Point]]]] = {
    "tensorboard": _of_tensorboard,
    "mlflow": _of_mlflow,
}
KINDS = tuple(_READERS)
