"""Draw the pictures of docs/verdicts.md by the project's own code: ``python docs/draw.py``.

Everything in them is decided by ``harness.core.judge`` and ``harness.core.trends`` on made-up runs.
"""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path

import numpy

from harness.core.judge import judge
from harness.core.trends import Trend, points_of, trends
from harness.core.values import Baseline, Job, Metric, Recipe, Record, Reference, RunStatus, Verdict
from reports.charts import interval
from reports.lines import trend_lines

FOLDER = Path(__file__).parent / "pictures"
STYLE = """<style>svg { --accent: #1d5fa8; color: #1c1e21; background: #ffffff; font: 13px system-ui, sans-serif; }
.band { fill: #cfe3d4; } .reference { stroke: #565c64; stroke-dasharray: 3 2; }
line.measured { stroke: #1c1e21; stroke-width: 2; } circle.measured { fill: #1c1e21; }
.rule { stroke: #d5d9de; } .dot { fill: var(--accent); } .level { stroke: var(--accent); stroke-width: 2; }
.change { fill: var(--accent); opacity: 0.15; } text { font-size: 11px; }</style>"""

ACCURACY = Metric(name="accuracy", unit="fraction", better="higher", margin=0.006)
# The ten published runs of ts-fcn (baselines/ts-fcn.toml), and candidates made up for the picture.
PUBLISHED = Reference(
    recipe="example",
    metric="accuracy",
    kind="published",
    value=0.96103,
    values=(0.96016, 0.95627, 0.96210, 0.96016, 0.96501, 0.95821, 0.96307, 0.96404, 0.96404, 0.95724),
    source="hfawaz/dl-4-tsc",
)
CANDIDATES = ((0.9612, 0.9604, 0.9631), (0.9463, 0.9478, 0.9449), (0.9747, 0.9761, 0.9732), (0.9575,))


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "decisions.svg").write_text(decisions([_verdict(values) for values in CANDIDATES]), encoding="utf-8")
    (FOLDER / "history.svg").write_text(_styled(_alone(trend_lines(_trend(), None))), encoding="utf-8")


def decisions(verdicts: list[Verdict]) -> str:
    """One row per verdict: its status, its interval against the tolerance, its runs."""
    rows = []
    for number, verdict in enumerate(verdicts):
        placed = interval(verdict).replace("<svg ", f'<svg x="130" y="{8 + 34 * number}" width="300" height="28" ', 1)
        runs = ", ".join(f"{100 * value:.1f}" for value in verdict.values)
        rows.append(
            f'<text x="8" y="{27 + 34 * number}" fill="currentColor">{verdict.status.value}</text>{placed}'
            f'<text x="445" y="{27 + 34 * number}" fill="currentColor">{html.escape(runs)} %</text>'
        )
    height = 16 + 34 * len(verdicts)
    content = "".join(rows)
    return _styled(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 {height}">{content}</svg>\n')


def _alone(svg: str) -> str:
    """A drawing of a page as a file of its own."""
    return svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1) + "\n"


def _styled(svg: str) -> str:
    return re.sub(r">", f">{STYLE}", svg, count=1)


def _verdict(values: tuple[float, ...]) -> Verdict:
    runs = [_run(seed, {"accuracy": value}) for seed, value in enumerate(values)]
    (verdict,) = judge(runs, _recipe(ACCURACY), Baseline(model="example", references=(PUBLISHED,)))
    return verdict


def _trend() -> Trend:
    """Sixty nights of a job whose runs differ by 1.5 %; from night 36 on it is 5 % slower."""
    noise = numpy.random.default_rng(7).normal(0.0, 0.015, 60)
    rates = 100 * numpy.exp(noise - 0.05 * (numpy.arange(60) >= 36))
    metric = Metric(name="samples_per_second", unit="samples/s", better="higher")
    runs = [_night(number, rate) for number, rate in enumerate(rates.tolist())]
    (trend,) = trends(
        points_of(runs, _recipe(metric), metric), _recipe(metric), Baseline(model="example", references=()), metric
    )
    return trend


def _night(number: int, rate: float) -> Record:
    quiet = {"foreign_share": 0.0, "steal_share": 0.0, "wait_share": 0.0, "cpu_share": 1.0}
    run = replace(_run(0, {"samples_per_second": rate}), measurement=quiet, started=float(number))
    return replace(run, id=f"2026{7 + number // 30:02d}{1 + number % 30:02d}T030000")


def _recipe(metric: Metric) -> Recipe:
    return Recipe(
        name="example",
        summary="",
        mode="train",
        dataset=None,
        hyperparameters={},
        metrics=(metric,),
        first_seeds=1,
        max_seeds=10,
        deadline_minutes=1,
    )


def _run(seed: int, metrics: dict[str, float]) -> Record:
    job = Job(
        model="example",
        recipe="example",
        framework="torch",
        environment="torch",
        seed=seed,
        mode="train",
        device="cpu",
        threads=1,
    )
    return Record(
        id=str(seed),
        job=job,
        status=RunStatus.FINISHED,
        reason="",
        started=0.0,
        seconds=1.0,
        metrics=metrics,
        curves={},
        step_seconds=(),
        warmup_steps=0,
        samples_per_step=0,
        machine=None,
        packages={},
        variables={},
        libraries={},
        settings={},
        measurement={},
        deterministic=None,
        determinism_notes=(),
        digests={},
        parameters=None,
        data=None,
        garbled_lines=0,
    )


if __name__ == "__main__":
    main()
