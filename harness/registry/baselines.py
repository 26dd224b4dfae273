"""baselines/<model>.toml -> Baseline.  Refuses a number without a source and a speed without a machine."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from harness.core.errors import nearest
from harness.core.values import Baseline, Metric, ModelSpec, Reference, StdKind
from harness.registry.faults import Fault, Table, raise_faults, read_toml, schema_faults, table_list
from harness.registry.models import NotNegative, Text, load_model
from harness.registry.workspace import Workspace
from harness.wire import MODEL_FILES, SPEED

Hinted = tuple[str, str]  # a fault's text and its hint


def _as_text(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime.date) else value


class _Reference(Table):
    recipe: Text
    metric: Text
    kind: Literal["published", "recorded", "earlier"]
    value: float | None = None
    values: Annotated[list[float], Field(min_length=1)] | None = None
    std: NotNegative | None = None
    std_kind: StdKind | None = None
    n: Annotated[int, Field(ge=1)] | None = None
    of: Literal["mean", "single", "best", "exact"] = "mean"
    framework: str | None = None
    environment: Text | None = None
    machine: Text | None = None
    gpu: Text | None = None
    batch_size: Annotated[int, Field(ge=1)] | None = None
    unit: Text | None = None
    split: Text | None = None
    how: str = ""
    margin: NotNegative | None = None
    margin_reason: str = ""
    source: Text
    url: str = ""
    date: Annotated[str, BeforeValidator(_as_text)] = ""
    reason: str = ""
    lock: str = ""
    code: str = ""
    data: str = ""
    seeds: list[int] = Field(default_factory=list)
    weights: list[Text] = Field(default_factory=list)
    runs: list[Text] = Field(default_factory=list)


class _File(Table):
    reference: list[_Reference] = Field(default_factory=list)


def load_baseline(workspace: Workspace, model: ModelSpec | str) -> Baseline:
    """The references of the built-in shelf, then those that the workspace adds.  No file: none."""
    spec = load_model(workspace, model) if isinstance(model, str) else model
    return Baseline(model=spec.name, references=_references(workspace, spec.name, spec))


def load_snapshot_baseline(workspace: Workspace, spec: ModelSpec) -> Baseline:
    """Of a model as it was once: references that came for other recipes and metrics are left out."""
    known = {(recipe.name, metric.name) for recipe in spec.recipes.values() for metric in recipe.metrics}
    found = _references(workspace, spec.name, None)
    return Baseline(model=spec.name, references=tuple(each for each in found if (each.recipe, each.metric) in known))


def _references(workspace: Workspace, name: str, spec: ModelSpec | None) -> tuple[Reference, ...]:
    paths = [shelf / "baselines" / f"{name}.toml" for shelf in reversed(workspace.shelves)]
    read = [read_references(path.read_bytes(), _shown(path), spec) for path in paths if path.is_file()]
    raise_faults(fault for _, faults in read for fault in faults)
    return tuple(dict.fromkeys(each for references, _ in read for each in references))


def read_references(content: bytes, shown: str, model: ModelSpec | None) -> tuple[list[Reference], list[Fault]]:
    """References and faults of one file; recipes and metrics are checked where the model is known."""
    raw, faults = read_toml(content, shown)
    if faults:
        return [], faults
    parsed = _File()
    try:
        parsed = _File.model_validate(raw)
    except ValidationError as error:
        faults = schema_faults(error, _File, shown)
    found = table_list(raw, "reference")
    faults += [
        Fault(file=shown, text=f"{_label(number, table)} {text}", hint=hint)
        for number, table in enumerate(found, 1)
        for text, hint in (*_number_faults(table), *_context_faults(table, model), *_repeats(number, found))
    ]
    return [] if faults else [_reference(table) for table in parsed.reference], faults


def _shown(path: Path) -> str:
    return f"baselines/{path.name}"


def _label(number: int, table: Mapping[str, Any]) -> str:
    return f"reference {number} ({table.get('metric', 'no metric')})"


def _number_faults(table: Mapping[str, Any]) -> Iterator[Hinted]:
    value, values, n = table.get("value"), _numbers(table.get("values")), table.get("n")
    if "value" not in table and "values" not in table:
        yield "has no value", "add values = [...] where the single runs are known, else value = ..."
    if values and isinstance(value, int | float) and not math.isclose(value, fmean(values), rel_tol=1e-6):
        yield f"says value = {value}, but its values have the mean {fmean(values):.8g}", "leave value out"
    if values and isinstance(n, int) and n != len(values):
        yield f"says n = {n}, but lists {len(values)} values", "leave n out"
    missing = [key for key in ("std_kind", "n") if key not in table and not (key == "n" and values)]
    if "std" in table and missing:
        yield f"gives std without {' and '.join(missing)}", _STD_HINT
    if "margin" in table and not table.get("margin_reason"):
        yield "replaces the margin without a margin_reason", "say why this number is compared more loosely or closely"
    if "weights" in table and not _as_long_as(table["weights"], table.get("seeds"), values):
        yield "gives weights that do not stand for its seeds and values", "one digest, one seed and one value a run"
    lacking = [key for key in ("seeds", "margin") if key not in table]
    if table.get("of") == "exact" and lacking:
        yield f'says of = "exact" without {" and ".join(lacking)}', _EXACT_HINT


def _as_long_as(*lists: object) -> bool:
    return len({len(each) if isinstance(each, list) else 0 for each in lists}) == 1


_STD_HINT = 'a spread is only comparable with n = runs and std_kind = "sample", "population" or "standard error"'

_EXACT_HINT = "an exact number is what the runs of its seeds must come to, within the digits that were printed"


def _context_faults(table: Mapping[str, Any], model: ModelSpec | None) -> Iterator[Hinted]:
    if _is_speed(table, model) and not table.get("machine"):
        yield "names no machine", 'a speed holds for one machine only; add machine = "..."'
    if table.get("kind") == "published" and not table.get("how"):
        yield "does not say how it was made", "add how = ... (last or best epoch, split, EMA, precision, batch)"
    if table.get("kind") in ("recorded", "earlier") and not table.get("reason"):
        yield "gives no reason", "a recorded number says why it was recorded: add reason = ..."
    if table.get("kind") == "earlier" and not table.get("weights"):
        yield "gives no weights", "earlier runs count where a seed ends in the same ones again: add weights = [...]"
    framework = table.get("framework")
    if isinstance(framework, str) and framework not in MODEL_FILES:
        yield f"names the unknown framework {framework!r}", nearest(framework, MODEL_FILES)
    if model is not None:
        yield from _model_faults(table, model)


def _is_speed(table: Mapping[str, Any], model: ModelSpec | None) -> bool:
    unit = _units(table, model).get(str(table.get("metric")), "")
    return table.get("metric") == SPEED or unit.endswith(("/s", "per second"))


def _units(table: Mapping[str, Any], model: ModelSpec | None) -> dict[str, str]:
    recipe = model.recipes.get(str(table.get("recipe"))) if model else None
    return {metric.name: metric.unit for metric in recipe.metrics} if recipe else {}


def _model_faults(table: Mapping[str, Any], model: ModelSpec) -> Iterator[Hinted]:
    recipe, metric = table.get("recipe"), table.get("metric")
    if not isinstance(recipe, str):
        return
    if recipe not in model.recipes:
        yield f"names the recipe {recipe!r}, which {model.name} does not have", nearest(recipe, model.recipes)
        return
    metrics = {each.name: each for each in model.recipes[recipe].metrics}
    if isinstance(metric, str) and metric not in metrics:
        yield f"names the metric {metric!r}, which recipe {recipe!r} does not have", nearest(metric, metrics)
    elif isinstance(metric, str):
        yield from _unlike_faults(table, metrics[metric])


def _unlike_faults(table: Mapping[str, Any], metric: Metric) -> Iterator[Hinted]:
    """A number in another unit or of another split is not compared in silence."""
    for key, ours in (("unit", metric.unit), ("split", metric.split)):
        if isinstance(table.get(key), str) and table[key] != ours:
            yield (
                f"is of {key} {table[key]!r}, the recipe's metric of {ours!r}",
                "convert it, or give it its own metric",
            )
    numbers = [*_numbers(table.get("values")), *(table[key] for key in ("value", "std") if _number(table.get(key)))]
    beyond = [value for value in numbers if metric.unit == "fraction" and not 0 <= value <= 1]
    if beyond:
        yield f"gives {beyond[0]:g}, but {metric.name} is a fraction", "write per cent as fractions: 96.1 % is 0.961"


# A published number is told from others by these; a recorded one by everything it says.
_IDENTITY = ("recipe", "metric", "kind", "framework", "environment", "machine", "source", "how")


def _repeats(number: int, found: list[Mapping[str, Any]]) -> Iterator[Hinted]:
    table = found[number - 1]
    for other, earlier in enumerate(found[: number - 1], 1):
        if table and (table == earlier or _same_published(table, earlier)):
            yield f"repeats reference {other}", "keep one; tell two numbers of one source apart by how = ..."
            return


def _same_published(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one.get("kind") == "published" and all(one.get(key) == other.get(key) for key in _IDENTITY)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numbers(values: object) -> list[float]:
    return values if isinstance(values, list) and all(_number(value) for value in values) else []


def _reference(parsed: _Reference) -> Reference:
    values = tuple(float(value) for value in parsed.values or ())
    value = fmean(values) if values else parsed.value
    n = len(values) if values else parsed.n
    return Reference(
        **{
            **parsed.model_dump(exclude={"unit", "split"}),
            "value": value,
            "values": values,
            "n": n,
            "seeds": tuple(parsed.seeds),
            "weights": tuple(parsed.weights),
            "runs": tuple(parsed.runs),
        }
    )
