"""harness.toml as it has to be.  Apart from ``workspace``: what checks it takes long to load."""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationError

from harness.registry.faults import Table, raise_faults, read_toml, schema_faults

Names = list[str]


class _Data(Table):
    roots: Names = Field(default_factory=list)


class _Run(Table):
    environments: Names = Field(default_factory=list, min_length=1)


class _Nightly(Table):
    models: Names = Field(default_factory=list)
    recipes: Names = Field(default_factory=list)
    environments: Names = Field(default_factory=list)
    seeds: int | None = Field(default=None, ge=1)
    max_seeds: int | None = Field(default=None, ge=1)
    budget_minutes: float | None = Field(default=None, gt=0)
    notify: Names = Field(default_factory=list)


class _Store(Table):
    url: str = ""


class _Configuration(Table):
    data: _Data = _Data()
    run: _Run = _Run()
    store: _Store = _Store()
    nightly: _Nightly = _Nightly()


def check_configuration(content: bytes, shown: str) -> dict[str, dict[str, Any]]:
    """Its tables, with what was said and nothing else.  Raises HarnessError with every fault."""
    raw, faults = read_toml(content, shown)
    raise_faults(faults)
    try:
        return _Configuration.model_validate(raw).model_dump(exclude_unset=True)
    except ValidationError as error:
        raise_faults(schema_faults(error, _Configuration, shown))
        raise
