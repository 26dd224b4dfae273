"""``capsule.json``: what a capsule says about itself.  Read strictly: a stranger wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.core.names import leads_down
from harness.wire.weights import FILE as WEIGHTS

NAME = "capsule.json"
FORMAT = 1
PART = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$"  # one part of a path, and no more
SHA256 = r"^[0-9a-f]{64}$"

Part = Annotated[str, Field(pattern=PART)]
Digest = Annotated[str, Field(pattern=SHA256)]
Size = Annotated[int, Field(ge=0)]


def packed_weights(run: str) -> str:
    """Where the final weights of a run lie, if they were packed."""
    return f"runs/{run}/{WEIGHTS}"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EnvironmentEntry(_Strict):
    name: Part
    digest: Digest
    wheels: bool = False  # whether every package of the lock lies in wheels/


class RunEntry(_Strict):
    id: Part
    recipe: Part
    seed: Size
    code: Digest
    environment: Part
    dataset: Part | None = None
    data: Digest | None = None  # of the manifest; None where the input is synthetic


class About(_Strict):
    """``files``: path -> (sha256, bytes) of everything in the capsule but this."""

    format: Literal[1] = 1
    harness: str  # the version that packed it
    protocol: int  # of the worker
    model: Part
    runs: Annotated[tuple[RunEntry, ...], Field(min_length=1, max_length=10_000)]
    environments: tuple[EnvironmentEntry, ...]
    data: dict[Part, Part] = Field(default_factory=dict)  # data set -> its folder below data/, where it is packed
    files: dict[str, tuple[Digest, Size]] = Field(default_factory=dict)

    def faults(self) -> list[str]:
        """What the types cannot say."""
        found = [f"{name!r} leads out of the capsule" for name in self.files if not leads_down(name)]
        if len({run.id for run in self.runs}) < len(self.runs):
            found.append("a run is named twice")
        known = {each.name for each in self.environments}
        found += [
            f"{run.id}: environment {run.environment} is not in it" for run in self.runs if run.environment not in known
        ]
        return found + list(self._strays())

    def _strays(self) -> Iterator[str]:
        """Files that no run needs: in a workspace they could shadow what is there."""
        allowed = {
            "environments": {f"{each.name}.{ending}" for each in self.environments for ending in ("toml", "lock")},
            "baselines": {f"{self.model}.toml"},
            "data": set(self.data.values()),
            "runs": {run.id for run in self.runs},
            "code": {run.code for run in self.runs},
        }
        for name in self.files:
            kind, *rest = name.split("/")
            if rest and kind != "wheels" and rest[0] not in allowed.get(kind, ()):
                yield f"{name!r} belongs to nothing that is packed"
