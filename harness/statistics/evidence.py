"""What is compared, and what came out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Decision = Literal["pass", "regression", "improved", "inconclusive", "invalid"]


@dataclass(frozen=True)
class RawRuns:
    """A reference whose every run is known."""

    values: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class MeanSpread:
    """A reference given as mean and spread of ``n`` runs; a standard error is not a deviation."""

    mean: float
    std: float
    n: int
    std_kind: Literal["sample", "population", "standard error"] = "sample"

    @property
    def sample_std(self) -> float:
        """The standard deviation of one run, Bessel-corrected."""
        if self.std_kind == "standard error":
            return self.std * math.sqrt(self.n)
        if self.std_kind == "population" and self.n > 1:
            return self.std * math.sqrt(self.n / (self.n - 1))
        return self.std


@dataclass(frozen=True)
class Single:
    """One published number of unknown spread: a single draw, or the mean or the best of ``n`` draws."""

    value: float
    of: Literal["single", "mean", "best"] = "single"
    n: int = 1


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A run-to-run standard deviation known from earlier runs of the job, with its degrees of freedom."""

    std: float
    df: float


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A decision and what it rests on.

    ``estimate``, ``low`` and ``high`` are candidate minus reference in the metric's unit for
    accuracy, the relative slowdown (+0.05 = 5 % slower) for speed.  ``detectable`` is the smallest
    change that this evidence would have found with 95 % power, ``needs`` how many further runs are
    expected until the decision (None: none, or more than can be said).  ``p`` is one-sided evidence
    against no change, the smaller tail, times two; None where nothing was tested.
    """

    decision: Decision
    estimate: float | None
    low: float | None
    high: float | None
    margin: float | None
    detectable: float | None
    needs: int | None
    looks: int
    method: str
    reason: str
    p: float | None = None


def without_interval(
    decision: Decision,
    reason: str,
    method: str,
    *,
    estimate: float | None = None,
    margin: float | None = None,
    needs: int | None = None,
) -> Evidence:
    """Evidence that bounds nothing: what cannot be compared, or too few runs.  Never a pass."""
    return Evidence(
        decision=decision,
        estimate=estimate,
        low=None,
        high=None,
        margin=margin,
        detectable=None,
        needs=needs,
        looks=1,
        method=method,
        reason=reason,
    )
