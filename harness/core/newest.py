"""Which stored runs speak for a job today.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.core.values import Group, Record

# Runs that differ in one of these are not runs of the same job.
SAME = ("code", "environment", "data")
# Nor those whose shell chose other kernels for them: of oneDNN, PyTorch, OpenBLAS, MKL and NVIDIA's libraries.
KERNELS = (
    "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE",
    "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "NVIDIA_TF32_OVERRIDE",
)  # fmt: skip

Making = tuple[str | None, ...]


def newest_runs(records: Iterable[Record]) -> tuple[Record, ...]:
    """For each job group: the runs made like its newest one, the latest of each seed.

    ``records`` come oldest first.  Made alike means equal digests of code, environment and data, the
    same machine class and the same choice of kernels; a run that never got that far (no digests) stands alone.
    """
    groups: dict[tuple[Group, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.job.group, record.initial), []).append(record)  # other first weights, another job
    chosen: list[Record] = []
    for runs in groups.values():
        newest = made(runs[-1])
        latest = {run.job.seed: run for run in runs if made(run) == newest}
        chosen += [latest[seed] for seed in sorted(latest)]
    return tuple(chosen)


def made(record: Record) -> Making:
    """What runs of the same job have in common."""
    machine = record.machine.machine_class if record.machine else None
    return making(machine, record.digests, record.variables)


def making(machine_class: str | None, digests: Mapping[str, str | None], variables: Mapping[str, str]) -> Making:
    """The machine's class, the digests of ``SAME`` and the variables of ``KERNELS``."""
    return (machine_class, *map(digests.get, SAME), *map(variables.get, KERNELS))
