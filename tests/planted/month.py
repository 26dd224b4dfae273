"""A month of nights whose runs are made up: models by environments, unchanged or with a planted change.

The noise of speed is that of the study (``tests/statistics/study/noise.py``), another kind in each environment.
Scores of seeds differ by a normal deviate.  In one environment the same seed ends in the same bits every night,
as on a CPU; in the others each run draws anew, as on a GPU.  Everything that decides is the harness's own: the
looks, the verdicts, the false discoveries, the change points.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy

from harness import registry, store
from harness.commands.carry_out import worker_job
from harness.commands.pages import follow
from harness.commands.report import judge_models
from harness.core.families import hold_false_discoveries
from harness.core.judge import judge
from harness.core.night import CellState, Night, NightCell
from harness.core.plan import more_jobs
from harness.core.trends import Trend, is_news
from harness.core.values import Baseline, ModelSpec, Recipe, Record, Status, Verdict
from harness.statistics import ACCURACY_LOOKS
from harness.wire import SPEED
from tests.conftest import open_at
from tests.core.examples import MACHINE, QUIET
from tests.reports.nights import FIRST, made_run, night_id
from tests.statistics.study import noise

NIGHTS = 30
MODELS = ("model-a", "model-b")
ENVIRONMENTS: Mapping[str, noise.Model] = {
    "steady-1.0": noise.quiet,
    "typical-1.0": noise.typical,
    "skewed-1.0": noise.gamma,
}
DETERMINISTIC = "steady-1.0"
SCORE, SPREAD, RATE = 0.96, 0.004, 120.0
RECORDED = 5  # runs of the baseline, seeds 0 to 4
DISTURBED = 0.03  # of the runs of a speed: another process took a fifth of the machine
NEAR = 1  # nights by which the best guess of a change may miss it
ALARMS = (Status.REGRESSION, Status.IMPROVED)


@dataclass(frozen=True, kw_only=True)
class Planted:
    """What changes in one cell from ``night`` on, and what the records say of how they were made."""

    model: str
    environment: str
    recipe: str
    night: int
    slower: float = 0.0  # +0.1: ten per cent fewer samples a second
    worse: float = 0.0  # the score falls by so much
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def date(self) -> str:
        return date(self.night)


def date(night: int) -> str:
    return f"{night_id(night)[:4]}-{night_id(night)[4:6]}-{night_id(night)[6:8]}"


@dataclass(frozen=True, kw_only=True)
class Lived:
    """One night: what was planned, and what its runs were judged to be."""

    night: Night
    records: tuple[Record, ...]
    verdicts: tuple[Verdict, ...]
    baselines: tuple[Baseline, ...]

    @property
    def alarms(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.status in ALARMS]


@dataclass(frozen=True)
class Month:
    """The nights of ``seed``, in a workspace of their own at ``root``."""

    root: Path
    seed: int
    planted: tuple[Planted, ...] = ()

    @cached_property
    def workspace(self) -> registry.Workspace:
        """With the models and the baselines that were recorded before the month began."""
        for model in MODELS:
            folder = self.root / "models" / model
            folder.mkdir(parents=True)
            shutil.copy(Path(__file__).with_name("model.toml"), folder)
            (folder / "plain.py").write_text("")
            (self.root / "baselines").mkdir(exist_ok=True)
            (self.root / "baselines" / f"{model}.toml").write_text("".join(self._references(model)))
        return open_at(self.root)

    @cached_property
    def specs(self) -> dict[str, ModelSpec]:
        return {model: registry.load_model(self.workspace, model) for model in MODELS}

    @cached_property
    def baselines(self) -> dict[str, Baseline]:
        return {model: registry.load_baseline(self.workspace, spec) for model, spec in self.specs.items()}

    def nights(self) -> Iterator[Lived]:
        """One after another, each judged as ``harness nightly`` judges."""
        for number in range(NIGHTS):
            records = tuple(
                run
                for model in MODELS
                for recipe in self.specs[model].recipes.values()
                for environment in ENVIRONMENTS
                for run in self._cell(model, recipe, environment, number)
            )
            verdicts, baselines = judge_models(self.workspace, records)
            yield Lived(night=_night(number), records=records, verdicts=verdicts, baselines=baselines)

    def trends(self, records: Sequence[Record]) -> Iterator[Trend]:
        for model, spec in self.specs.items():
            yield from follow(spec, self.baselines[model], [run for run in records if run.job.model == model])

    def trend(self, planted: Planted, nights: int = NIGHTS) -> Trend:
        """Of the planted cell after so many nights, one run a night."""
        recipe = self.specs[planted.model].recipes[planted.recipe]
        runs = [self._run(planted.model, recipe, planted.environment, night, 0) for night in range(nights)]
        return next(self.trends(runs))

    def is_told(self, planted: Planted, night: int) -> bool:
        """Whether the first page of ``night`` tells a change of the planted cell."""
        return is_news(self.trend(planted, night + 1))

    def keep(self, records: Sequence[Record]) -> None:
        """Store the runs as folders, with what was asked of their workers."""
        for run in records:
            folder = store.create_run(self.workspace.state, run.id)
            recipe = self.specs[run.job.model].recipes[run.job.recipe]
            said = {**recipe.hyperparameters, **self._hyperparameters(run)}
            folder.write_job(worker_job(run.id, run.job, replace(recipe, hyperparameters=said), None))
            folder.finish(run)

    def _cell(self, model: str, recipe: Recipe, environment: str, number: int) -> list[Record]:
        """Look by look, until nothing is open or the cap is reached."""
        seeds, records = list(range(recipe.first_seeds)), list[Record]()
        while seeds:
            records += [self._run(model, recipe, environment, number, seed) for seed in seeds]
            held = hold_false_discoveries(judge(records, recipe, self.baselines[model]))
            jobs = more_jobs([run.job for run in records], held, ACCURACY_LOOKS, recipe.max_seeds)
            seeds = [job.seed for job in jobs]
        return records

    def _run(self, model: str, recipe: Recipe, environment: str, number: int, seed: int) -> Record:
        change = self._change(model, environment, recipe.name, number)
        variables = {"OMP_NUM_THREADS": "2", **(change.variables if change else {})}
        how: dict[str, Any] = {"machine": MACHINE, "variables": variables, "curves": {}}
        if recipe.mode == "speed":
            rate, measurement = self._rate(model, environment, number, seed)
            metrics = {SPEED: rate / (1 + change.slower) if change else rate}
            return made_run(
                model, "speed", environment, number, seed=seed, mode="speed", metrics=metrics,
                measurement=measurement, **how,
            )  # fmt: skip
        score = self._score(model, environment, number, seed) - (change.worse if change else 0.0)
        digests = {"code": "c", "environment": "e", "data": "d", "weights_final": _weights(score)}
        return made_run(
            model, "fit", environment, number, seed=seed, metrics={"score": score}, digests=digests, data=None, **how
        )

    def _change(self, model: str, environment: str, recipe: str, number: int) -> Planted | None:
        return next(
            (
                each
                for each in self.planted
                if (each.model, each.environment, each.recipe) == (model, environment, recipe) and number >= each.night
            ),
            None,
        )

    def _hyperparameters(self, run: Record) -> Mapping[str, Any]:
        number = next(number for number in range(NIGHTS) if night_id(number) == run.night)
        change = self._change(run.job.model, run.job.environment, run.job.recipe, number)
        return change.hyperparameters if change else {}

    def _score(self, model: str, environment: str, number: int, seed: int) -> float:
        """Of a deterministic environment the same every night; -1 is the night of the baseline."""
        place = (0, seed) if environment == DETERMINISTIC else (number + 2, seed)
        return SCORE + SPREAD * float(self._draw(model, environment, "fit", *place).standard_normal())

    def _rate(self, model: str, environment: str, number: int, seed: int) -> tuple[float, dict[str, float]]:
        draw = self._draw(model, environment, "speed", number + 2, seed)
        slower = float(ENVIRONMENTS[environment](draw, (1, 1))[0, 0])
        if draw.random() < DISTURBED:
            return RATE * math.exp(-slower) / 1.2, {**QUIET, "foreign_share": 0.2}
        return RATE * math.exp(-slower), QUIET

    def _draw(self, model: str, environment: str, recipe: str, *place: int) -> numpy.random.Generator:
        cell = MODELS.index(model), [*ENVIRONMENTS].index(environment), ("fit", "speed").index(recipe)
        return numpy.random.default_rng([self.seed, *cell, *place])

    def _references(self, model: str) -> Iterator[str]:
        seeds = range(RECORDED)
        for environment in ENVIRONMENTS:
            scores = [self._score(model, environment, -1, seed) for seed in seeds]
            weights = ", ".join(f'"{_weights(score)}"' for score in scores)
            more = f"seeds = {list(seeds)}\nweights = [{weights}]\n"
            yield _reference("fit", "score", scores, environment, more)
            rates = [self._rate(model, environment, -1, seed)[0] for seed in seeds]
            yield _reference("speed", SPEED, rates, environment, f'machine = "{MACHINE.machine_class}"\n')


def _reference(recipe: str, metric: str, values: Sequence[float], environment: str, more: str) -> str:
    return (
        f'[[reference]]\nrecipe = "{recipe}"\nmetric = "{metric}"\nkind = "recorded"\nvalues = {list(values)}\n'
        f'environment = "{environment}"\nframework = "numpy"\ndate = "{FIRST:%Y-%m-%d}"\nsource = "made up"\n'
        f'reason = "before the month"\nhow = "last epoch"\n{more}\n'
    )


def _weights(score: float) -> str:
    """Two runs end in the same weights where they end in the same score: here nothing else tells them apart."""
    return score.hex()


def _night(number: int) -> Night:
    cells = tuple(
        NightCell(
            model=model,
            recipe=recipe,
            framework="numpy",
            environment=environment,
            mode="speed" if recipe == "speed" else "train",
            state=CellState.DONE,
        )
        for model in MODELS
        for recipe in ("fit", "speed")
        for environment in ENVIRONMENTS
    )
    started = FIRST.timestamp() + 86400 * number
    return Night(id=night_id(number), cells=cells, started=started, finished=started + 3600, nightly=True)


@dataclass(frozen=True, kw_only=True)
class Alarms:
    """What a month told that a person would have got up for."""

    verdicts: tuple[tuple[int, Verdict], ...]  # by night
    steps: tuple[tuple[int, Trend], ...]  # told on the first page of that night for the first time


def alarms(month: Month, say: Callable[[str], None] = lambda _: None) -> Alarms:
    """Every night as its page would have been read: verdicts, and changes of level in the last week."""
    verdicts: list[tuple[int, Verdict]] = []
    steps: dict[tuple[str, ...], tuple[int, Trend]] = {}
    records: list[Record] = []
    for number, lived in enumerate(month.nights()):
        records += lived.records
        verdicts += [(number, verdict) for verdict in lived.alarms]
        for trend in month.trends(records):
            if is_news(trend):
                place = (trend.model, trend.recipe, trend.environment, trend.metric.name)
                steps.setdefault(place, (number, trend))
        say(f"{date(number)}: {len(lived.records)} run(s)")
    return Alarms(verdicts=tuple(verdicts), steps=tuple(steps.values()))


def placed(trend: Trend, planted: Planted) -> bool:
    """Whether the history has one change, and it may lie in the planted night but in few others."""
    if len(trend.points) != 1:
        return False
    (point,) = trend.points
    when = trend.nights.index(planted.date) if planted.date in trend.nights else -1
    return point.low <= when <= point.high and abs(point.index - when) <= NEAR
