"""What a capsule says of itself, and what became of one that was made again: text for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tabulate import tabulate

from harness.core.differences import Difference
from harness.core.names import printable
from harness.core.pairs import RunPair
from harness.core.reproduction import Answer, partings, unequal
from harness.core.values import Record, Verdict
from reports.html import apart
from reports.json_view import run_json, verdict_json

WEIGHTS_TOLD = """
`runs/*/weights.safetensors` are the final weights, one array a name (https://github.com/huggingface/safetensors).
"""


def render_readme(
    model: str, title: str, records: Sequence[Record], verdicts: Sequence[Verdict], *, with_weights: bool
) -> str:
    """README.md of a capsule.  Equal arguments give equal bytes."""
    rows = [
        (
            record.job.recipe,
            record.job.environment,
            record.job.seed,
            ", ".join(f"{name} {value:.6g}" for name, value in sorted(record.metrics.items())),
            f"{record.seconds / 60:.1f}",
            record.digests.get("weights_final", "–")[:12],
        )
        for record in records
    ]
    headers = ("recipe", "environment", "seed", "metrics", "minutes", "final weights")
    return f"""# {title}

{len(records)} run(s) of `{model}`, with all that is needed to train it again and to see whether it comes out again:

    pip install benchmark-harness && harness reproduce THIS_FILE

`harness inspect THIS_FILE` says what is in it, and runs nothing of it.

{tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)}

{chr(10).join(f"- {verdict.sentence}" for verdict in verdicts)}

`code/` is what ran, `environments/` its packages with their hashes, `runs/` what was recorded, `report.html` the page
about it. `capsule.json` holds the sha256 of every file.
{WEIGHTS_TOLD if with_weights else ""}"""


def inspection_text(found: Mapping[str, Any]) -> str:
    """What ``harness inspect`` found, every word of the file itself made harmless for a terminal."""
    rows = [
        (
            printable(run["id"], 80),
            printable(run["recipe"], 40),
            printable(run["environment"], 40),
            run["seed"],
            ", ".join(f"{printable(name, 30)} {value:.6g}" for name, value in sorted(run["metrics"].items())),
            printable(run["machine"], 40),
            f"{run['weights_bytes']:,} bytes" if run["weights_bytes"] else "–",
        )
        for run in found["runs"]
    ]
    headers = ("run", "recipe", "environment", "seed", "metrics", "made on", "weights in it")
    lines = [
        f"{found['path']}: {printable(found['model'])}, packed by harness {printable(found['harness'], 30)},"
        f" {found['files']} files, {found['bytes']:,} bytes unpacked",
        f"sha256 of its contents: {found['sha256']}; every file is intact",
        "",
        tabulate(rows, headers=headers, disable_numparse=True),
        "",
    ]
    lines += [printable(sentence, 400) for sentence in found["verdicts"]]
    if found["reproducible"]:
        lines += ["", "What can be made again, and what not:"]
        lines += [f"  {printable(word, 600)}" for word in found["reproducible"]]
    return "\n".join([*lines, "", "Needed here:", *(f"  {printable(need, 400)}" for need in found["needs"])])


def reproduction_text(
    told: Answer, pairs: Sequence[RunPair], verdicts: Sequence[Verdict], found: Sequence[Difference]
) -> str:
    """What was packed beside what came out here, then the answer, then all that differs between the two."""
    rows = [
        (
            before.job.recipe,
            again.job.environment,
            before.job.seed,
            name,
            f"{before.metrics.get(name, float('nan')):.10g}",
            f"{again.metrics.get(name, float('nan')):.10g}",
            _apart(before, again),
        )
        for before, again in pairs
        for name in sorted({*before.metrics, *again.metrics}) or ["–"]
    ]
    headers = ("recipe", "environment", "seed", "metric", "packed", "here", "not equal to the bit")
    lines = [tabulate(rows, headers=headers, disable_numparse=True), "", f"answer: {told.value}"]
    if told not in (Answer.IDENTICAL, Answer.SAME_NUMBERS):
        lines += [verdict.sentence for verdict in verdicts]
        lines += [_parting(before, again) for before, again in pairs]
    if found:
        differing = [(each.kind, each.name, *apart(each.before, each.after, long=48)) for each in found]
        table = tabulate(differing, headers=("kind", "what", "packed", "here"), disable_numparse=True)
        lines += ["", "what differs between the two:", table]
    return "\n".join(lines)


def reproduction_json(
    told: Answer, pairs: Sequence[RunPair], verdicts: Sequence[Verdict], found: Sequence[Difference]
) -> dict[str, Any]:
    """The same for programs: runs as ``{"packed", "here"}`` in the shape of ``run --json``."""
    return {
        "answer": told.value,
        "runs": [
            {
                "packed": run_json(before),
                "here": run_json(again),
                "unequal": unequal(before, again),
                "partings": [asdict(parting) for parting in partings(before, again)],
            }
            for before, again in pairs
        ],
        "verdicts": [verdict_json(verdict) for verdict in verdicts],
        "differences": [asdict(each) for each in found],
    }


def _apart(before: Record, again: Record) -> str:
    return ", ".join(unequal(before, again)) or "–"


def _parting(before: Record, again: Record) -> str:
    found = partings(before, again)
    where = f"seed {before.job.seed} in {again.job.environment}"
    if not found:
        return f"{where}: every curve is the same"
    first = found[0]
    return (
        f"{where}: the curves part in epoch {first.epoch + 1}, {first.curve} {_value(first.before)}"
        f" against {_value(first.after)}"
    )


def _value(value: float | None) -> str:
    return "nothing" if value is None else repr(value)
