"""A model card in Markdown: the Hub's metadata block with a model-index, then the same for people.

https://github.com/huggingface/hub-docs/blob/main/modelcard.md.  ``verified`` is left out: there it means that the Hub
itself evaluated, with a token of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from statistics import mean, stdev
from typing import Any

from tabulate import tabulate

from harness.core.values import Baseline, Metric, Reference, Verdict
from reports.exports.told import Told

MOST = 40  # hyper-parameters and packages in a table


def model_card(runs: Sequence[Told], verdicts: Sequence[Verdict], baseline: Baseline) -> str:
    """About runs of one model; cells of recipe and environment are told apart."""
    spec = runs[0].spec
    cells = _cells(runs)
    paper = spec.paper
    about = f"{spec.title}, trained from scratch for {spec.task}."
    if paper:
        about += f" The model is that of {paper.authors}, [{paper.title}]({paper.url}) ({paper.year})."
    parts = [
        f"---\n{_metadata(runs, cells)}---\n",
        f"# {spec.title}\n\n{about}\n",
        "## Results\n\nMeasured by the benchmark harness, each seed a training from scratch; the spread is the sample"
        f" standard deviation over seeds.\n\n{_results(cells)}\n",
        "## Against published and recorded numbers\n\n"
        + ("\n".join(f"- **{each.status.value}**: {each.sentence}" for each in verdicts) or "Nothing was judged.")
        + f"\n\n{_references(baseline)}\n",
        *(_cell(cell) for cell in cells),
        _again(runs),
    ]
    return "\n".join(parts)


def _cells(runs: Sequence[Told]) -> list[list[Told]]:
    found: dict[tuple[str, ...], list[Told]] = {}
    for run in runs:
        found.setdefault(run.record.job.group, []).append(run)
    return [found[group] for group in sorted(found)]


def _metadata(runs: Sequence[Told], cells: Sequence[list[Told]]) -> str:
    """YAML, whose scalars and lists JSON's are."""
    spec = runs[0].spec
    results: list[dict[str, Any]] = [
        {
            "task": {"type": _slug(spec.task), "name": spec.task},
            "dataset": {"type": _dataset(cell), "name": _dataset(cell), "split": metric.split},
            "metrics": [
                {
                    "type": metric.name,
                    "value": mean(_values(cell, metric)),
                    "name": f"{metric.name} ({metric.unit}), mean of {len(_values(cell, metric))} seed(s), recipe"
                    f" {cell[0].recipe.name} in {cell[0].record.job.environment}",
                }
            ],
        }
        for cell in cells
        for metric in cell[0].recipe.metrics
        if _values(cell, metric)
    ]
    frameworks = sorted({run.record.job.framework for run in runs})
    said = {
        "tags": ["benchmark-reproduction", *frameworks],
        "metrics": sorted({metric["metrics"][0]["type"] for metric in results}),
        "model-index": [{"name": spec.name, "results": results}],
    }
    return "".join(f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in said.items())


def _results(cells: Sequence[list[Told]]) -> str:
    rows = []
    for cell in cells:
        for metric in cell[0].recipe.metrics:
            if values := _values(cell, metric):
                spread = f"{stdev(values):.3g}" if len(values) > 1 else "–"
                rows.append(
                    (
                        cell[0].recipe.name,
                        cell[0].record.job.environment,
                        _dataset(cell),
                        metric.name,
                        metric.unit,
                        f"{mean(values):.6g}",
                        spread,
                        len(values),
                        f"{min(values):.6g} to {max(values):.6g}",
                    )
                )
    headers = ("recipe", "environment", "data", "metric", "unit", "mean", "spread", "seeds", "range")
    return _table(rows, headers)


def _references(baseline: Baseline) -> str:
    rows = [
        (each.kind, each.recipe, each.metric, f"{each.value:.6g}", _spread(each), each.how, _source(each))
        for each in baseline.references
    ]
    return _table(rows, ("kind", "recipe", "metric", "value", "spread", "how", "source")) if rows else ""


def _spread(reference: Reference) -> str:
    n = len(reference.values) or reference.n
    std = f"{reference.std:.3g}" if reference.std is not None else "–"
    return f"{std} (n = {n})" if n else std


def _source(reference: Reference) -> str:
    return f"[{reference.source}]({reference.url})" if reference.url else reference.source


def _cell(cell: Sequence[Told]) -> str:
    first = cell[0]
    record, data = first.record, first.record.data
    hyperparameters = _table(
        sorted((name, json.dumps(value)) for name, value in first.hyperparameters.items())[:MOST],
        ("hyper-parameter", "value"),
    )
    packages = sorted(record.packages.items())
    shown = _table(packages[:MOST], ("package", "version"))
    more = f"\n\nand {len(packages) - MOST} more packages, in the lock" if len(packages) > MOST else ""
    told = "no data set: its input is synthetic"
    if data:
        licence, source = data.get("licence", "none stated"), data.get("source", "origin unknown")
        digest = record.digests.get("data", "unknown")
        told = f"`{data.get('name')}`, licence: {licence}; {source}; digest `{digest}`"
    machine = record.machine.machine_class if record.machine else "unknown"
    digests = ", ".join(
        f"{name} `{record.digests[name][:16]}`" for name in ("code", "environment") if name in record.digests
    )
    return (
        f"## Recipe {first.recipe.name} in {record.job.environment}\n\n{first.recipe.summary}\n\n{hyperparameters}\n\n"
        f"**Data**: {told}.\n\n**Made on** {machine}; {digests}; seeds"
        f" {', '.join(str(run.record.job.seed) for run in cell)}.\n\n{shown}{more}\n"
    )


def _again(runs: Sequence[Told]) -> str:
    ids = " ".join(run.record.id for run in runs)
    return (
        "## Reproducing it\n\nEach run holds its code, its environment's lock, the hashes of its data and the digest of"
        " its weights. As one file, and trained again from it:\n\n```sh\n"
        f"harness pack {ids} -o {runs[0].spec.name}.capsule.zip\n"
        f"harness reproduce {runs[0].spec.name}.capsule.zip\n```\n"
    )


def _values(cell: Sequence[Told], metric: Metric) -> list[float]:
    return [run.record.metrics[metric.name] for run in cell if metric.name in run.record.metrics]


def _dataset(cell: Sequence[Told]) -> str:
    return str((cell[0].record.data or {}).get("name") or "synthetic")


def _slug(text: str) -> str:
    """image classification -> image-classification, as the Hub writes tasks."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _table(rows: Sequence[Sequence[Any]], headers: Sequence[str]) -> str:
    """Bars in a cell would end it."""
    clean = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return tabulate(clean, headers=headers, tablefmt="github", disable_numparse=True)
