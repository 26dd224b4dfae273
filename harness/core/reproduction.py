"""Whether a run that was made again came out again.  Pure: pairs of records in, one answer out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.core.newest import KERNELS
from harness.core.pairs import RunPair
from harness.core.values import Machine, Record, RunStatus, Status, Verdict
from harness.wire import COMMAND, SECONDS

SPEEDS = ("samples_per_second",)  # curves that say how fast, not what
WEIGHTS = "weights_final"
DIGESTS = (
    ("first_batches", "first batches"),
    ("weights_initial", "initial weights"),
    ("weights_final", "final weights"),
)

# How oneDNN, PyTorch and OpenBLAS choose their kernels on a processor without AVX-512, for one that has it.
AVX2_ALONE = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "OPENBLAS_CORETYPE": "Haswell"}


class Answer(StrEnum):
    IDENTICAL = "bit-identical"
    SAME_NUMBERS = "equal in every number"  # of a wrapped program, whose weights nobody saw
    EQUAL = "statistically equal"
    DIFFERENT = "different"
    UNDECIDED = "undecided"
    FAILED = "not made"


@dataclass(frozen=True, kw_only=True)
class Parting:
    """Where a curve first has another value; ``before`` or ``after`` None: it is not there at all."""

    curve: str
    epoch: int
    before: float | None
    after: float | None


def answer(pairs: Sequence[RunPair], verdicts: Sequence[Verdict]) -> Answer:
    """``pairs`` are (packed, made again); ``verdicts`` those of ``compare_accuracy``, one a metric and environment.

    Bits decide where they are equal.  Else every metric has to be shown equal within its margin.
    """
    if not pairs or any(again.status is not RunStatus.FINISHED for _, again in pairs):
        return Answer.FAILED
    if all(not unequal(before, again) for before, again in pairs):
        programs = [is_program(before) for before, _ in pairs]
        told = all(set(before.metrics) - {SECONDS} for before, _ in pairs)
        return Answer.IDENTICAL if not any(programs) else Answer.SAME_NUMBERS if told else Answer.UNDECIDED
    found = {verdict.status for verdict in verdicts}
    if found & {Status.REGRESSION, Status.IMPROVED}:
        return Answer.DIFFERENT
    return Answer.EQUAL if found == {Status.PASS} else Answer.UNDECIDED


def same_kernels(before: Record, here: Machine) -> Mapping[str, str]:
    """Variables that choose the kernels that ``before`` was made with.

    A sum over wider vectors is rounded in another order.  A processor can be kept to narrower ones than it has.
    """
    narrower = (
        before.machine is not None
        and before.machine.widest_vectors == "AVX2"
        and here.widest_vectors in ("AVX-512", "AMX")
        and before.settings.get("device") != "cuda"
    )
    wanted = {**(AVX2_ALONE if narrower else {}), **before.variables}
    return {name: wanted[name] for name in KERNELS if name in wanted}


def unequal(before: Record, again: Record) -> tuple[str, ...]:
    """What is not the same to the bit: digests, metrics, curves.  A digest that is not there is not the same."""
    ones, others = before.digests, again.digests
    program = is_program(before)
    found = [
        title
        for name, title in DIGESTS
        if ones.get(name) != others.get(name) or (name == WEIGHTS and name not in others and not program)
    ]
    found += [name for name in sorted({*before.metrics, *again.metrics})
              if before.metrics.get(name) != again.metrics.get(name)
              and not (program and name == SECONDS)]  # fmt: skip
    found += [f"curve of {parting.curve}" for parting in partings(before, again)]
    return tuple(found)


def is_program(record: Record) -> bool:
    """Whether it was wrapped: then its numbers are all that is known, and the time that it took is none of them."""
    return record.job.framework == COMMAND


def partings(before: Record, again: Record) -> tuple[Parting, ...]:
    """The first epoch at which each curve differs, the earliest first."""
    found = []
    timed = {*SPEEDS, *((SECONDS,) if is_program(before) else ())}
    for name in sorted({*before.curves, *again.curves} - timed):
        ones, others = dict(before.curves.get(name, ())), dict(again.curves.get(name, ()))
        apart = [epoch for epoch in sorted({*ones, *others}) if ones.get(epoch) != others.get(epoch)]
        if apart:
            one, other = ones.get(apart[0]), others.get(apart[0])
            found.append(Parting(curve=name, epoch=apart[0], before=one, after=other))
    return tuple(sorted(found, key=lambda parting: parting.epoch))
