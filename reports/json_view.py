"""Runs and verdicts as DESIGN section 4 shapes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from harness.core.changes import Change
from harness.core.differences import Difference
from harness.core.night import Night, cell_words
from harness.core.trends import Trend
from harness.core.values import Record, Verdict


def run_json(record: Record) -> dict[str, Any]:
    job = record.job
    return {
        "id": record.id,
        "model": job.model,
        "recipe": job.recipe,
        "framework": job.framework,
        "environment": job.environment,
        "seed": job.seed,
        "status": record.status.value,
        "metrics": dict(record.metrics),
        "path": record.path,
        "relation": record.came_by,
        "parent": record.parent,
        "initial": record.initial,
    }


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    reference = verdict.reference
    return {
        "model": verdict.model,
        "recipe": verdict.recipe,
        "framework": verdict.framework,
        "environment": verdict.environment,
        "metric": verdict.metric,
        "status": verdict.status.value,
        "measured": verdict.measured,
        "n": verdict.n,
        "reference": None if reference is None else reference.value,
        "low": verdict.low,
        "high": verdict.high,
        "detectable": verdict.detectable,
        "needs": verdict.needs,
        "sentence": verdict.sentence,
    }


def night_json(night: Night, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    words = cell_words(night, verdicts)
    cells = [{**asdict(cell), "state": cell.state.value, "status": words[cell.group]} for cell in night.cells]
    return {"id": night.id, "started": night.started, "finished": night.finished, "cells": cells}


def change_json(change: Change) -> dict[str, Any]:
    verdict = change.verdict
    return {
        "model": verdict.model,
        "recipe": verdict.recipe,
        "environment": verdict.environment,
        "metric": verdict.metric,
        "before": change.before,
        "now": verdict.status.value,
        "reasons": list(change.reasons),
    }


def difference_json(difference: Difference) -> dict[str, Any]:
    return asdict(difference)


def trend_json(trend: Trend) -> dict[str, Any]:
    return {
        "model": trend.model,
        "recipe": trend.recipe,
        "environment": trend.environment,
        "machine": trend.machine_class,
        "metric": trend.metric.name,
        "nights": list(trend.nights),
        "values": list(trend.values),
        "runs": list(trend.runs),
        "left_out": trend.left_out,
        "change_points": [asdict(point) for point in trend.points],
        "drift": asdict(trend.drift) if trend.drift else None,
        "published": trend.reference.value if trend.reference else None,
        "sentences": list(trend.sentences),
    }
