"""``harness lineage`` and ``harness whence``: which run came from which, and which run made these weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import registry, store
from harness.core.errors import HarnessError
from harness.core.values import Record
from harness.store.index import open_index
from harness.store.kept_weights import read_weights, weights_digests
from reports.progress import Progress


@dataclass(frozen=True, kw_only=True)
class Relative:
    """A run and what came from it; ``record`` None: not stored here (it was packed elsewhere, or removed)."""

    id: str
    relation: str  # to its parent; empty for the first one
    record: Record | None
    children: tuple[Relative, ...]


def lineage(workspace: registry.Workspace, run_id: str) -> Relative:
    """The tree that ``run_id`` belongs to, from the run that began it."""
    asked = store.load_run(workspace.state, run_id)
    parents = {run: (parent, relation) for run, parent, relation in _relations(workspace)}
    children: dict[str, list[str]] = {}
    for run, (parent, _) in sorted(parents.items()):
        children.setdefault(parent, []).append(run)
    top, seen = asked.id, {asked.id}
    while top in parents and parents[top][0] not in seen:
        top = parents[top][0]
        seen.add(top)
    return _tree(workspace, top, "", parents, children, frozenset())


def _relations(workspace: registry.Workspace) -> Iterator[tuple[str, str, str]]:
    """A resumed run that began with other weights hangs below the run that it resumed."""
    with Progress() as progress, open_index(workspace.state, workspace.store_url) as index:
        index.catch_up(progress.say)
        for run, parent, relation, initial in index.parents():
            yield run, parent or initial, relation or "initialised"


def _tree(
    workspace: registry.Workspace,
    run: str,
    relation: str,
    parents: Mapping[str, tuple[str, str]],
    children: Mapping[str, list[str]],
    above: frozenset[str],
) -> Relative:
    try:
        record = store.load_run(workspace.state, run)
    except HarnessError:
        record = None
    below = [child for child in children.get(run, ()) if child not in above]
    return Relative(
        id=run,
        relation=relation,
        record=record,
        children=tuple(
            _tree(workspace, child, parents[child][1], parents, children, above | {run, child}) for child in below
        ),
    )


@dataclass(frozen=True, kw_only=True)
class Made:
    """A run whose weights these are: those that it ended in, or began with."""

    record: Record
    moment: str  # "final" or "initial"


def whence(workspace: registry.Workspace, path: Path) -> tuple[str, tuple[Made, ...]]:
    """The digest of the arrays in ``path``, and the stored runs that name it.  Executes nothing of the file."""
    digests = list(weights_digests(read_weights(path)))
    with Progress() as progress, open_index(workspace.state, workspace.store_url) as index:
        index.catch_up(progress.say)
        found = index.of_weights(digests)
    made = tuple(Made(record=store.load_run(workspace.state, run), moment=moment) for run, moment in found)
    named = {made_by.record.digests.get(f"weights_{made_by.moment}") for made_by in made}
    return next((digest for digest in digests if digest in named), digests[0]), made


def relative_json(relative: Relative) -> dict[str, Any]:
    from reports.json_view import run_json

    return {
        "id": relative.id,
        "relation": relative.relation or None,
        "run": run_json(relative.record) if relative.record else None,
        "children": [relative_json(child) for child in relative.children],
    }


def lineage_text(relative: Relative, asked: str) -> str:
    return "\n".join(_lines(relative, asked, "", ""))


def _lines(relative: Relative, asked: str, first: str, rest: str) -> Iterator[str]:
    how = f"{relative.relation}: " if relative.relation else ""
    here = "  <- asked" if relative.id == asked else ""
    yield f"{first}{how}{relative.id}  {_told(relative.record)}{here}"
    for number, child in enumerate(relative.children):
        last = number == len(relative.children) - 1
        yield from _lines(child, asked, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "))


def _told(record: Record | None) -> str:
    if record is None:
        return "not stored here"
    values = ", ".join(f"{name} {value:.4g}" for name, value in sorted(record.metrics.items()))
    return f"{record.status.value}{f', {values}' if values else ''}"


def whence_text(path: Path, digest: str, made: tuple[Made, ...]) -> str:
    if not made:
        return f"{path}: no stored run ended in these weights or began with them\n  sha256 of its arrays {digest}"
    lines = [f"{path}: sha256 of its arrays {digest}"]
    for each in made:
        job, digests = each.record.job, each.record.digests
        verb = "ended in them" if each.moment == "final" else "began with them"
        lines += [
            f"run {each.record.id} {verb}",
            f"  {job.model}/{job.recipe} in {job.environment}, seed {job.seed}: {_told(each.record)}",
            f"  code {digests.get('code', '–')}",
            f"  data {(each.record.data or {}).get('name', 'none')} {digests.get('data', '')}",
        ]
    return "\n".join(lines)
