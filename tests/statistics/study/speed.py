"""Speed: paired sessions, nights of screen and confirmation, and the advice how many runs are needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, Unpack

import numpy

from harness.statistics import judge_speed_paired
from harness.statistics.screen import suspicious
from harness.statistics.sequential import SPEED_LOOKS
from tests.statistics.study import noise
from tests.statistics.study.noise import Model
from tests.statistics.study.peers import PEERS, steps_of
from tests.statistics.study.row import Row, row_of, share
from tests.statistics.study.sessions import Outcome, Sessions, draw, play

CASES = 2000
SEED = 20_261
HELD_OUT = (noise.two_mode, noise.gamma, noise.student_t, noise.autocorrelated, noise.drifting)


CHANGED = ("regression", "improved")


class Target(TypedDict, total=False):
    at_most: float
    at_least: float


def rows(scale: float) -> list[Row]:
    cases = max(round(CASES * scale), 20)
    return [
        *_machines(cases),
        *_quiet(cases),
        *_noisy(cases),
        *_held_out(cases),
        *_histories(cases),
        *_spoilt(cases),
        *_nights(cases),
        *_needs(cases),
        *_detectable(cases),
        *_peers(cases),
    ]


def _machines(cases: int) -> list[Row]:
    found = []
    for model in (noise.typical, noise.shared):
        same, slower = _ended(model, cases), _ended(model, cases, slower=0.05)
        name = model.__name__
        found += [
            _share(f"{name}, no change", "false alarms", same, CHANGED, at_most=0.01),
            _share(f"{name}, no change", "pass", same, ("pass",), at_least=0.97),
            _share(f"{name}, 5 % slower", "caught", slower, ("regression",), at_least=0.97),
            _share(f"{name}, 5 % slower", "pass", slower, ("pass",), at_most=0.02),
            _pairs(f"{name}, 5 % slower", "runs of both sides", slower, 2, at_most=10),
        ]
    return found


def _quiet(cases: int) -> list[Row]:
    slower = _ended(noise.quiet, cases, slower=0.02, margin=0.0, looks=(3,))
    same = _ended(noise.quiet, cases // 4, margin=0.0)  # never ends before the twelfth pair
    return [
        _share("quiet, margin 0, 2 % slower, 6 runs", "caught", slower, ("regression",), at_least=0.95),
        _share("quiet, margin 0, no change, 12 pairs", "false alarms", same, CHANGED, at_most=0.01),
    ]


def _noisy(cases: int) -> list[Row]:
    same, slower = _ended(noise.noisy, cases // 2), _ended(noise.noisy, cases // 2, slower=0.05)
    return [
        _share("noisy, no change", "false alarms", same, CHANGED, at_most=0.012),
        _share("noisy, 5 % slower", "pass", slower, ("pass",), at_most=0.03),
        _share("noisy, 5 % slower", "caught", slower, ("regression",)),
    ]


def _held_out(cases: int) -> list[Row]:
    found = []
    for model in HELD_OUT:
        same, slower = _ended(model, cases), _ended(model, cases, slower=0.05)
        name = f"held out: {model.__name__}"
        found += [
            _share(f"{name}, no change", "false alarms", same, CHANGED, at_most=0.01),
            _share(f"{name}, 5 % slower", "caught", slower, ("regression",), at_least=0.95),
            _pairs(f"{name}, 5 % slower", "pairs", slower, 1, at_most=5),
        ]
    return found


def _histories(cases: int) -> list[Row]:
    """No history, and one that is wrong about the scale."""
    found = []
    for told, earlier, factor in (
        ("none", 0, 1.0),
        ("20", 20, 1.0),
        ("3x too small", 30, 1 / 3),
        ("3x too large", 30, 3.0),
    ):
        same = _ended(noise.typical, cases // 2, earlier=earlier, factor=factor)
        slower = _ended(noise.typical, cases // 2, slower=0.05, earlier=earlier, factor=factor)
        name = f"typical, history {told}"
        found += [
            _share(f"{name}, no change", "false alarms", same, CHANGED, at_most=0.01),
            _share(f"{name}, 5 % slower", "pass", slower, ("pass",)),
            _share(f"{name}, 5 % slower", "caught", slower, ("regression",)),
            _pairs(f"{name}, 5 % slower", "pairs", slower, 1),
        ]
    return found


def _spoilt(cases: int) -> list[Row]:
    """Half of ten pairs have a run that is 5 to 35 % slower on either side; one of three has, by 20 %, or 30 % have."""
    rng = numpy.random.default_rng(SEED)
    sessions = draw(noise.typical, rng, cases // 4)
    excess = numpy.exp(rng.uniform(0.05, 0.35, sessions.baseline.shape))
    bad, side = numpy.arange(12) % 2 == 1, rng.random(sessions.baseline.shape) < 0.5
    half = Sessions(
        numpy.where(bad & side, excess, 1.0) * sessions.baseline,
        numpy.where(bad & ~side, excess, 1.0) * sessions.candidate,
        sessions.history,
    )
    one = Sessions(
        sessions.baseline, sessions.candidate * numpy.where(numpy.arange(12) == 1, 1.2, 1.0), sessions.history
    )
    often_bad = rng.random((2, *sessions.baseline.shape)) < 0.3
    often = Sessions(
        sessions.baseline * numpy.where(often_bad[0], 1.2, 1.0),
        sessions.candidate * numpy.where(often_bad[1], 1.2, 1.0),
        sessions.history,
    )
    return [
        # No target: more bad runs than the likelihood knows of.  Shown, because it is above 1 %.
        _share("30 % of the runs bad, all looks", "false alarms", play(often), CHANGED),
        _share("half of ten pairs bad", "false alarms", play(half, looks=(10,)), CHANGED, at_most=0.01),
        _share("one of three pairs bad", "false alarms", play(one, looks=(3,)), CHANGED, at_most=0.01),
        _share("one of three pairs bad, all looks", "pass", play(one), ("pass",), at_least=0.97),
    ]


def _nights(cases: int) -> list[Row]:
    """One run a night, screened against 30 stored ones; what is suspected is confirmed by pairs."""
    quiet_nights = cases * 10
    alarms, extra = 0, 0
    for seed in range(quiet_nights):
        alarmed, runs = _night(numpy.random.default_rng((SEED, 0, seed)), 1.0)
        alarms, extra = alarms + alarmed, extra + runs
    delays = [_delay(numpy.random.default_rng((SEED, 1, seed)), 1.05) for seed in range(cases // 4)]
    found = [delay for delay in delays if delay is not None]
    rate, low, high = share(alarms, quiet_nights)
    within = share(len(found), len(delays))
    median = float(numpy.median([5 if delay is None else delay for delay in delays]))
    question = "nights, typical"
    return [
        _row(question, "false alarms a 1,000 nights", rate * 1000, low * 1000, high * 1000, quiet_nights, at_most=2),
        _row(question, "5 % found within 5 nights", *within, len(delays), at_least=0.95),
        _row(question, "median delay, nights", median, median, median, len(delays), at_most=0),
        _row(question, "extra runs a night", *_alone(extra / quiet_nights), quiet_nights, at_most=2),
    ]


def _night(rng: numpy.random.Generator, slower: float) -> tuple[bool, int]:
    stored, tonight = numpy.exp(0.015 * rng.standard_normal(30)), slower * numpy.exp(0.015 * rng.standard_normal(1))
    return _confirmed(rng, stored, tonight, slower)


def _delay(rng: numpy.random.Generator, slower: float) -> int | None:
    """The night, counted from 0, on which a slowdown that stays is confirmed; None after five."""
    nights = numpy.exp(0.015 * rng.standard_normal(35)) * numpy.where(numpy.arange(35) < 30, 1.0, slower)
    for night in range(5):
        if _confirmed(rng, nights[night : 30 + night], nights[30 + night : 31 + night], slower)[0]:
            return night
    return None


def _confirmed(rng: numpy.random.Generator, stored: noise.Logs, tonight: noise.Logs, slower: float) -> tuple[bool, int]:
    """Whether the night alarms, and the runs it cost beyond its own."""
    if not suspicious(stored.tolist(), tonight.tolist()):
        return False, 0
    (outcome,) = play(draw(noise.typical, rng, 1, slower=slower - 1))
    return outcome.evidence.decision in CHANGED, 2 * outcome.pairs


def _needs(cases: int) -> list[Row]:
    """Every undecided look of sessions of five effects, against the pairs at which the session did end."""
    near, told = 0, 0
    for effect in (0.0, 0.02, 0.03, 0.05, 0.08):
        sessions = draw(
            noise.typical, numpy.random.default_rng((SEED, round(1000 * effect))), cases // 10, slower=effect
        )
        for old, new, past in zip(sessions.baseline, sessions.candidate, sessions.history, strict=True):
            predicted: dict[int, int | None] = {}
            for pairs in SPEED_LOOKS:
                evidence = judge_speed_paired(old[:pairs].tolist(), new[:pairs].tolist(), history=past.tolist())
                if evidence.decision != "inconclusive":
                    told += len(predicted)
                    near += sum(_near(needs, pairs - then) for then, needs in predicted.items())
                    break
                predicted[pairs] = evidence.needs
    return [_row("needs, typical", "within a factor 2", *share(near, told), told, at_least=0.8)] if told else []


def _near(predicted: int | None, actual: int) -> bool:
    return predicted is not None and actual <= 2 * predicted and predicted <= 2 * actual


def _detectable(cases: int) -> list[Row]:
    """What six unchanged pairs say they would have found, put to six fresh ones that are so much slower."""
    pairs, found = 6, 0
    said = draw(noise.typical, numpy.random.default_rng((SEED, 6)), cases // 4)
    fresh = draw(noise.typical, numpy.random.default_rng((SEED, 7)), cases // 4)
    for case, past in enumerate(said.history.tolist()):
        old, new = said.baseline[case, :pairs].tolist(), said.candidate[case, :pairs].tolist()
        smallest = judge_speed_paired(old, new, history=past, margin=0.0).detectable or 0.0
        old, slower = fresh.baseline[case, :pairs].tolist(), fresh.candidate[case, :pairs] * (1 + smallest)
        found += judge_speed_paired(old, slower.tolist(), history=past, margin=0.0).decision == "regression"
    power = share(found, cases // 4)
    return [_row("detectable with 95 % power, typical, 6 pairs", "found", *power, cases // 4, at_least=0.9)]


def _peers(cases: int) -> list[Row]:
    """Three runs a side, the baseline of the same session: the peers at their best."""
    found = []
    questions: tuple[tuple[Model, float], ...] = (
        (noise.typical, 0.0),
        (noise.typical, 0.05),
        (noise.shared, 0.0),
        (noise.shared, 0.05),
        (noise.quiet, 0.02),
        (noise.noisy, 0.0),
        (noise.two_mode, 0.0),
        (noise.student_t, 0.0),
    )
    for model, slower in questions:
        rng = numpy.random.default_rng(SEED)
        sessions = draw(model, rng, cases, slower=slower, pairs=3, earlier=1)
        old, new = steps_of(sessions.baseline, rng), steps_of(sessions.candidate, rng)
        for name, rule in PEERS.items():
            up, down = rule(old, new)
            hits = int(up.sum()) if slower else int((up | down).sum())
            question = f"{model.__name__}, {slower:.0%} slower" if slower else f"{model.__name__}, no change"
            figure = "caught" if slower else "false alarms"
            found.append(_row(question, figure, *share(hits, cases), cases, rule=name))
    return found


def _ended(
    model: Model,
    cases: int,
    *,
    slower: float = 0.0,
    margin: float = 0.05,
    earlier: int = 30,
    factor: float = 1.0,
    looks: Sequence[int] = SPEED_LOOKS,
) -> list[Outcome]:
    rng = numpy.random.default_rng((SEED, *model.__name__.encode(), round(1000 * slower), earlier))
    sessions = draw(model, rng, cases, slower=slower, earlier=earlier)
    scaled = Sessions(sessions.baseline, sessions.candidate, factor * sessions.history)
    return play(scaled, margin=margin, looks=looks)


def _share(
    question: str, figure: str, outcomes: list[Outcome], decisions: Sequence[str], **target: Unpack[Target]
) -> Row:
    hits = sum(outcome.evidence.decision in decisions for outcome in outcomes)
    return _row(question, figure, *share(hits, len(outcomes)), len(outcomes), **target)


def _pairs(question: str, figure: str, outcomes: list[Outcome], runs: int, **target: Unpack[Target]) -> Row:
    counts = runs * numpy.asarray([outcome.pairs for outcome in outcomes])
    mean, error = float(counts.mean()), 1.96 * float(counts.std()) / len(counts) ** 0.5
    return _row(question, f"{figure}, on average", mean, mean - error, mean + error, len(counts), **target)


def _alone(value: float) -> tuple[float, float, float]:
    return value, value, value


def _row(
    question: str,
    figure: str,
    value: float,
    low: float,
    high: float,
    cases: int,
    *,
    rule: str = "harness",
    at_most: float | None = None,
    at_least: float | None = None,
) -> Row:
    return row_of(question, figure, rule, (value, low, high), cases, at_most, at_least)
