"""A night: cells that were planned, and what became of each.  Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CellState(StrEnum):
    WAITING = "waiting"
    DONE = "done"  # its runs were made and judged, whatever the verdict says
    FAILED = "failed"  # it could not be made: no environment, no data, a full disk
    NOT_RUN = "not run"  # no time was left, or the night was stopped


@dataclass(frozen=True, kw_only=True)
class NightCell:
    """One recipe of a model in one environment."""

    model: str
    recipe: str
    framework: str
    environment: str
    state: CellState = CellState.WAITING
    reason: str = ""  # why it failed or was not run
    expected_seconds: float | None = None  # by earlier runs here or the recipe's guess; None: nobody knows

    @property
    def name(self) -> str:
        return f"{self.model}/{self.recipe} in {self.environment}"

    @property
    def group(self) -> tuple[str, str, str, str]:
        """As ``Job.group``."""
        return (self.model, self.recipe, self.framework, self.environment)


@dataclass(frozen=True, kw_only=True)
class Night:
    """A matrix or a nightly; ``id`` sorts by time and stands in every record that was made for it."""

    id: str
    cells: tuple[NightCell, ...]
    started: float  # Unix seconds
    finished: float | None = None  # None: it goes on, or was killed
