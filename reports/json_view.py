"""Runs and verdicts as DESIGN section 4 shapes them."""

from __future__ import annotations

from typing import Any

from harness.core.changes import Change
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
