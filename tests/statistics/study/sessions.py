"""Sessions of pairs, A B B A A B B A, played look by look as ``run`` plays them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy

from harness.statistics import Evidence, judge_speed_paired
from harness.statistics.sequential import SPEED_LOOKS
from tests.statistics.study.noise import Logs, Model


@dataclass(frozen=True)
class Sessions:
    """Step times of both sides, (cases, pairs), and log ratios of earlier A/A pairs, (cases, earlier)."""

    baseline: Logs
    candidate: Logs
    history: Logs


@dataclass(frozen=True)
class Outcome:
    """Where one session ended."""

    evidence: Evidence
    pairs: int


def draw(
    model: Model, rng: numpy.random.Generator, cases: int, *, slower: float = 0.0, pairs: int = 12, earlier: int = 30
) -> Sessions:
    """Runs of ``model`` in the order made; the candidate is ``slower`` by a share (0.05 is 5 %)."""
    old, new = _interleaved(model(rng, (cases, 2 * pairs)))
    past_old, past_new = _interleaved(model(rng, (cases, max(2 * earlier, 2))))
    history = (past_new - past_old)[:, :earlier]
    return Sessions(numpy.exp(old), numpy.exp(new) * (1 + slower), history)


def _interleaved(runs: Logs) -> tuple[Logs, Logs]:
    """The runs of A and of B, (cases, pairs) each, in pairs A B, B A, A B, ..."""
    first, second = runs[:, 0::2], runs[:, 1::2]
    swapped = numpy.arange(first.shape[1]) % 2 == 1
    return numpy.where(swapped, second, first), numpy.where(swapped, first, second)


def play(sessions: Sessions, *, margin: float = 0.05, looks: Sequence[int] = SPEED_LOOKS) -> list[Outcome]:
    """Every session up to its first decision, or to the last look."""
    return [
        _play(old, new, past, margin, looks)
        for old, new, past in zip(sessions.baseline, sessions.candidate, sessions.history, strict=True)
    ]


def _play(old: Logs, new: Logs, past: Logs, margin: float, looks: Sequence[int]) -> Outcome:
    for pairs in looks:
        evidence = judge_speed_paired(old[:pairs].tolist(), new[:pairs].tolist(), history=past.tolist(), margin=margin)
        if evidence.decision != "inconclusive":
            break
    return Outcome(evidence, pairs)
