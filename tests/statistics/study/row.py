"""One measured figure of the study."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.stats import binomtest


@dataclass(frozen=True, kw_only=True)
class Row:
    question: str  # as in VERDICTS.md
    figure: str  # what was counted: "false alarms", "caught", "runs on average"
    rule: str  # "harness", or the peer whose rule it is
    value: float
    low: float  # 95 % interval of the Monte-Carlo error; equal to value where it has none
    high: float
    cases: int
    at_most: float | None = None  # what the harness has to reach; None for peers
    at_least: float | None = None

    @property
    def reached(self) -> bool | None:
        """None where nothing has to be reached.  NaN reaches nothing."""
        if self.at_most is None and self.at_least is None:
            return None
        below = self.at_most is None or self.value <= self.at_most
        return below and (self.at_least is None or self.value >= self.at_least)

    @property
    def refuted(self) -> bool:
        """The whole interval lies on the wrong side: more than Monte-Carlo error."""
        above = self.at_most is not None and not self.low <= self.at_most
        return above or (self.at_least is not None and not self.high >= self.at_least)


def share(hits: int, cases: int) -> tuple[float, float, float]:
    """(share, low, high) with Wilson's 95 % interval (1927)."""
    interval = binomtest(hits, cases).proportion_ci(0.95, method="wilson")
    return hits / cases, float(interval.low), float(interval.high)


def row_of(
    question: str,
    figure: str,
    rule: str,
    measured: tuple[float, float, float],
    cases: int,
    at_most: float | None = None,
    at_least: float | None = None,
) -> Row:
    """A row of ``measured`` = (value, low, high)."""
    value, low, high = measured
    return Row(
        question=question,
        figure=figure,
        rule=rule,
        value=value,
        low=low,
        high=high,
        cases=cases,
        at_most=at_most,
        at_least=at_least,
    )
