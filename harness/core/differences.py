"""What differs between how two runs were made.  Pure: two records in, and what their folders hold.

Only what differs is told, the most suspicious first (``KINDS``):

1. data, code and recipe: they decide the result by themselves, and people edit them;
2. the job: another seed, device or number of threads makes it another computation;
3. the start: first batches and initial weights of one seed.  They are effects, but where they differ the
   training itself began otherwise, so that every cause further down shows only in them.  With different
   seeds they differ anyway, and are left out;
4. the framework, then other packages, then environment variables and loaded libraries: what an upgrade
   moves, from the likeliest to the least;
5. settings, and last the machine: where numbers differ in their last digits, and speeds in their first.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from harness.core.values import Record

Kind = Literal[
    "data", "code", "recipe", "job", "start", "framework", "package", "variable", "library", "setting", "machine"
]
KINDS: tuple[Kind, ...] = (
    "data", "code", "recipe", "job", "start", "framework", "package", "variable", "library", "setting", "machine",
)  # fmt: skip
NOT_ALWAYS_ASKED = ("cpu_model", "vector_instructions", "microcode")  # older records do not hold them
MACHINE = ("gpus", "driver", "cpu", *NOT_ALWAYS_ASKED, "cores", "kernel", "os", "architecture", "memory_bytes")
OF_THE_SEED = ("PYTHONHASHSEED",)  # follows from the job's seed
OF_THE_JOB = ("seed", "threads")  # settings that repeat it


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a run's folder holds beside its record."""

    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)  # of code/: path -> text


@dataclass(frozen=True, kw_only=True)
class Difference:
    kind: Kind
    name: str
    before: str | None  # None: it was not there
    after: str | None


def differences(
    before: Record, after: Record, origin_before: Origin | None = None, origin_after: Origin | None = None
) -> tuple[Difference, ...]:
    """Everything that differs, in the order of ``KINDS``; what one side never recorded is one line."""
    origins = origin_before or Origin(), origin_after or Origin()
    seeds_differ = before.job.seed != after.job.seed
    found = (
        *_digest("data", before, after, _mapping("data", _data(before), _data(after))),
        *_digest("code", before, after, _files(origins[0].files, origins[1].files)),
        *_mapping("recipe", origins[0].hyperparameters, origins[1].hyperparameters),
        *_mapping("job", asdict(before.job), asdict(after.job)),
        *(() if seeds_differ else _start(before, after)),
        *_packages(before, after),
        *_mapping("variable", _variables(before, seeds_differ), _variables(after, seeds_differ)),
        *_mapping("library", before.libraries, after.libraries),
        *_mapping("setting", _settings(before), _settings(after)),
        *_machine(before, after),
    )
    return tuple(sorted(found, key=lambda difference: KINDS.index(difference.kind)))


def _mapping(kind: Kind, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    ones, others = dict(_flat(before)), dict(_flat(after))
    if bool(ones) != bool(others):
        told = [f"{len(side)} recorded" if side else "nothing recorded" for side in (ones, others)]
        yield Difference(kind=kind, name="all", before=told[0], after=told[1])
        return
    for name in sorted({*ones, *others}):
        if ones.get(name) != others.get(name):
            yield Difference(kind=kind, name=name, before=ones.get(name), after=others.get(name))


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """``{"splits": {"test": 3}}`` as ``("splits.test", "3")``."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _flat(each, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple) and any(isinstance(each, Mapping) for each in value):
        for index, each in enumerate(value):
            yield from _flat(each, f"{name}.{index}")
    else:
        yield name, str(value)


def _digest(
    kind: Literal["data", "code"], before: Record, after: Record, parts: Iterator[Difference]
) -> Iterator[Difference]:
    """The parts where they are known; the digests alone where they say more than the parts."""
    one, other = before.digests.get(kind), after.digests.get(kind)
    if one == other:
        return
    known = list(parts)
    yield from known or [Difference(kind=kind, name="digest", before=one, after=other)]


def _data(record: Record) -> dict[str, Any]:
    return {name: value for name, value in (record.data or {}).items() if name != "digest"}


def _files(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Difference]:
    """Files that differ, with how many lines went and came; nothing where one side's are not known."""
    for name in sorted({*before, *after}) if before and after else ():
        one, other = before.get(name), after.get(name)
        if one == other:
            continue
        if one is None or other is None:
            yield Difference(kind="code", name=name, before=_lines(one), after=_lines(other))
            continue
        changed = [line[0] for line in difflib.unified_diff(one.splitlines(), other.splitlines(), n=0)][2:]
        gone, new = changed.count("-"), changed.count("+")
        yield Difference(kind="code", name=name, before=f"{gone} line(s) gone", after=f"{new} line(s) new")


def _lines(text: str | None) -> str | None:
    return None if text is None else f"{len(text.splitlines())} line(s)"


def _start(before: Record, after: Record) -> Iterator[Difference]:
    for name, title in (("first_batches", "first batches"), ("weights_initial", "initial weights")):
        one, other = before.digests.get(name), after.digests.get(name)
        if one and other and one != other:
            yield Difference(kind="start", name=title, before=one, after=other)


def _packages(before: Record, after: Record) -> Iterator[Difference]:
    """The framework's own before the others; the lock's digest where the packages do not show what moved."""
    moved = list(_mapping("package", before.packages, after.packages))
    moved += _contents(before, after)
    framework = before.job.framework, after.job.framework
    for each in moved:
        own = each.name.lower().startswith((*framework, "keras", "tf_keras"))
        yield Difference(kind="framework", name=each.name, before=each.before, after=each.after) if own else each
    one, other = before.digests.get("environment"), after.digests.get("environment")
    if not moved and one != other and before.variables == after.variables:
        yield Difference(kind="package", name="digest of the environment", before=one, after=other)


def _contents(before: Record, after: Record) -> Iterator[Difference]:
    """Packages of one version with other files in them: rebuilt, patched, or of another platform."""
    for name in sorted({*before.installed} & {*after.installed}):
        one, other = before.installed[name], after.installed[name]
        if one != other and before.packages.get(name) == after.packages.get(name):
            told = [f"{before.packages.get(name)}, files {sha256[:12] or 'not known'}" for sha256 in (one, other)]
            yield Difference(kind="package", name=name, before=told[0], after=told[1])


def _variables(record: Record, seeds_differ: bool) -> dict[str, str]:
    return {name: value for name, value in record.variables.items() if not (seeds_differ and name in OF_THE_SEED)}


def _settings(record: Record) -> dict[str, Any]:
    return {name: value for name, value in record.settings.items() if name not in OF_THE_JOB}


def _machine(before: Record, after: Record) -> Iterator[Difference]:
    if before.machine is None or after.machine is None:
        if before.machine is not after.machine:
            told = [record.machine.machine_class if record.machine else None for record in (before, after)]
            yield Difference(kind="machine", name="all", before=told[0], after=told[1])
        return
    for name in MACHINE:
        one, other = getattr(before.machine, name), getattr(after.machine, name)
        if one != other and not (name in NOT_ALWAYS_ASKED and None in (one, other)):
            yield Difference(kind="machine", name=name, before=_told(one), after=_told(other))


def _told(value: Any) -> str | None:
    if isinstance(value, tuple):
        return ", ".join(value) or None
    return None if value is None else str(value)
