"""The words of the harness as frozen values (DESIGN section 2).  Units are in the names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, NamedTuple

Mode = Literal["train", "speed"]
Group = tuple[str, str, str, str]  # model, recipe, framework, environment: a cell
StdKind = Literal["sample", "population", "standard error"]
# earlier: runs that count with later ones of the same making; measured: the other side of a comparison
Kind = Literal["published", "recorded", "earlier", "measured"]


class Status(StrEnum):
    PASS = "PASS"
    REGRESSION = "REGRESSION"
    IMPROVED = "IMPROVED"
    INCONCLUSIVE = "INCONCLUSIVE"
    NO_BASELINE = "NO_BASELINE"
    UNMEASURED = "UNMEASURED"
    INVALID = "INVALID"
    ERROR = "ERROR"


class RunStatus(StrEnum):
    """How a run ended.  Only FINISHED holds a result."""

    FINISHED = "finished"
    ERROR = "error"  # the worker said so itself: an exception, a diverged loss
    CRASHED = "crashed"  # it died without a last word
    TIMEOUT = "timeout"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, kw_only=True)
class Metric:
    name: str
    unit: str  # "fraction", "nats", "samples/s"
    better: Literal["higher", "lower"]
    split: str = "test"
    margin: float | None = None  # largest difference still called the same, in the unit
    margin_relative: float | None = None  # the same for a speed, as a fraction
    margin_reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    name: str
    summary: str
    mode: Mode
    dataset: str | None  # None: synthetic input
    hyperparameters: Mapping[str, Any]
    metrics: tuple[Metric, ...]
    first_seeds: int  # runs of the first look
    max_seeds: int  # never more runs than this
    deadline_minutes: float
    flops_per_sample: float | None = None  # of one training step, forward and backward
    minutes: Mapping[str, float] = field(default_factory=dict)  # by framework, per seed: a guess
    tags: tuple[str, ...] = ()  # names under which recipes of many models are run together

    def guessed_seconds(self, framework: str) -> float | None:
        """Of a run, by ``minutes``; None where they say nothing of the framework."""
        minutes = self.minutes.get(framework)
        return 60 * minutes if minutes else None


@dataclass(frozen=True, kw_only=True)
class Paper:
    title: str
    authors: str
    year: int
    url: str


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    name: str
    title: str
    task: str
    paper: Paper | None
    frameworks: tuple[str, ...]
    default_recipe: str
    recipes: Mapping[str, Recipe]
    folder: str  # where model.toml lies
    families: tuple[str, ...] = ()  # the folders whose modules it shares with others


@dataclass(frozen=True, kw_only=True)
class Reference:
    """One published or recorded number.  Raw ``values`` where they are known, else ``value``."""

    recipe: str
    metric: str
    kind: Kind
    value: float  # the mean of values where those are given
    values: tuple[float, ...] = ()
    std: float | None = None
    std_kind: StdKind | None = None
    n: int | None = None
    of: Literal["mean", "single", "best", "exact"] = "mean"  # exact: what the runs of ``seeds`` must come to
    framework: str | None = None  # None: holds for every framework
    environment: str | None = None  # recorded ones: where it was measured
    machine: str | None = None  # machine class; a speed must name one
    gpu: str | None = None  # how NVML's name of it ends: the speed of one such GPU, whatever holds it
    batch_size: int | None = None  # a speed's: it holds for no other
    how: str = ""  # last or best epoch, split, EMA, precision, batch
    margin: float | None = None  # replaces the recipe's, with its own reason
    margin_reason: str = ""
    source: str = ""
    url: str = ""
    date: str = ""
    seeds: tuple[int, ...] = ()
    # Of recorded and earlier ones:
    reason: str = ""  # why they were stored
    lock: str = ""  # digest of the environment
    code: str = ""  # digest of the code
    data: str = ""  # digest of the data set; it holds for no other
    weights: tuple[str, ...] = ()  # digests of the final weights, one for each seed
    runs: tuple[str, ...] = ()  # their ids; they are not judged against themselves

    def holds_on(self, machine_class: str | None) -> bool:
        """Whether it was measured on such a machine, or on such a GPU, which a machine class ends with."""
        if self.machine in (None, machine_class):
            return True
        return self.gpu is not None and (machine_class or "").endswith(self.gpu)


@dataclass(frozen=True, kw_only=True)
class Baseline:
    model: str
    references: tuple[Reference, ...]


@dataclass(frozen=True, kw_only=True)
class Environment:
    name: str
    framework: str
    python: str  # "3.11"
    requirements: tuple[str, ...]
    variables: Mapping[str, str]
    digest: str  # of Python, lock and variables; of what is installed, for "current" and system interpreters
    summary: str = ""
    interpreter: str | None = None  # a system interpreter's path: used as it is, not built


WIDEST_FIRST = {
    "amx_tile": "AMX", "avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX", "sve": "SVE", "asimd": "NEON",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Machine:
    cpu: str
    cores: int
    memory_bytes: int
    gpus: tuple[str, ...]
    driver: str | None
    os: str
    kernel: str
    architecture: str
    # None: not told, or recorded before it was asked for.
    cpu_model: str | None = None  # what a hypervisor's name for the processor may hide: "family 26 model 2"
    vector_instructions: str | None = None  # as Linux names them, blanks between
    microcode: str | None = None
    devices: int = 1  # that a run trained on together, each by a process of its own

    @property
    def machine_class(self) -> str:
        """What a speed holds for: processor, usable cores, GPUs."""
        detail = ", ".join(filter(None, (self.cpu_model, self.widest_vectors)))
        name = f"{self.cpu} ({detail}), {self.cores} cores" if detail else f"{self.cpu}, {self.cores} cores"
        found = f"{name}, {len(self.gpus)} x {self.gpus[0]}" if self.gpus else name
        return f"{found}, trained by {self.devices} together" if self.devices > 1 else found

    @property
    def widest_vectors(self) -> str | None:
        there = (self.vector_instructions or "").split()
        return next((name for flag, name in WIDEST_FIRST.items() if flag in there), None)


@dataclass(frozen=True, kw_only=True)
class Job:
    model: str
    recipe: str
    framework: str
    environment: str
    seed: int
    mode: Mode
    device: str
    threads: int  # of all devices together
    devices: int = 1  # that train together, each by a process of its own

    @property
    def group(self) -> Group:
        """Jobs that differ in their seed only."""
        return (self.model, self.recipe, self.framework, self.environment)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The place of a run in a session of interleaved runs; two sides of the same job make an A/A pair."""

    session: str
    number: int  # from 0
    side: Literal["A", "B"]


@dataclass(frozen=True, kw_only=True)
class Record:
    """What one run did.  Immutable; made by ``fold`` from its events, and by nothing else."""

    id: str
    job: Job
    status: RunStatus
    reason: str
    started: float  # Unix seconds
    seconds: float
    metrics: Mapping[str, float]  # the run's final values
    curves: Mapping[str, tuple[tuple[int, float], ...]]  # name -> (epoch, value)
    step_seconds: tuple[float, ...]  # every timed step, warm-up first
    warmup_steps: int
    samples_per_step: int
    machine: Machine | None
    packages: Mapping[str, str]
    variables: Mapping[str, str]
    libraries: Mapping[str, str]
    settings: Mapping[str, Any]
    measurement: Mapping[str, float]
    deterministic: bool | None  # asked for and held; None: not asked for, or unknown
    determinism_notes: tuple[str, ...]
    digests: Mapping[str, str]  # code, data, environment, first_batches, weights_initial, ...
    parameters: int | None
    data: Mapping[str, Any] | None  # the manifest
    garbled_lines: int
    pair: Pair | None = None
    night: str = ""  # id of the matrix or nightly that it was made for
    repository: Mapping[str, str] = field(default_factory=dict)  # head, remote: of the checkout that the code is from
    installed: Mapping[str, str] = field(default_factory=dict)  # of a wrapped program: sha256 of each package's files
    elsewhere: tuple[str, ...] = ()  # of a wrapped program: packages that were not installed from an index
    edited: tuple[str, ...] = ()  # files that were changed while it ran: they are not what ran
    parent: str = ""  # the run that this one came from
    relation: str = (
        ""  # how: "reproduced" from a packed one, "resumed" or "initialised"; "": as before there were others
    )
    initial: str = ""  # the run whose final weights it, or what it resumed, started from; "": from scratch
    path: str = ""

    @property
    def came_by(self) -> str:
        """How it came from ``parent``; empty for a run of its own."""
        return (self.relation or "reproduced") if self.parent else ""

    @property
    def mark(self) -> str:
        """What every report has to say beside its status; empty for a run from its first step to its last."""
        return ", ".join(filter(None, ("resumed" * (self.came_by == "resumed"), "initialised" * bool(self.initial))))


class Point(NamedTuple):
    """What one run adds to the history of a metric: made of its record, or read from the index."""

    run: str
    framework: str
    environment: str
    machine_class: str | None
    started: float  # Unix seconds
    value: float  # NaN: the run failed, was disturbed or held no such number


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One sentence per number.  ``low`` and ``high`` bound the measured mean, in ``unit``."""

    model: str
    recipe: str
    framework: str
    environment: str
    metric: str
    unit: str
    better: Literal["higher", "lower"]
    status: Status
    measured: float | None
    n: int
    values: tuple[float, ...]
    reference: Reference | None
    low: float | None
    high: float | None
    margin: float | None
    detectable: float | None
    needs: int | None
    sentence: str
    runs: tuple[str, ...]  # ids of the records behind it
    p: float | None = None  # against no change, paid for repeated looks; None where nothing was tested
    earlier_seeds: tuple[int, ...] = ()  # not run this time: known from stored runs of the very same making

    @property
    def group(self) -> Group:
        """As ``Job.group``."""
        return (self.model, self.recipe, self.framework, self.environment)
