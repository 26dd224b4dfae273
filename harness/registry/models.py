"""models/<name>/model.toml -> ModelSpec.  The Python files beside it are only looked for, never imported."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from harness.core.errors import HarnessError, nearest
from harness.core.values import Metric, Mode, ModelSpec, Paper, Recipe
from harness.registry.faults import Fault, Table, raise_faults, read_toml, schema_faults, table_list, tables
from harness.registry.workspace import Workspace
from harness.wire import MODEL_FILES, SPEED

NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")

Text = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]


class _Paper(Table):
    title: Text
    authors: Text
    year: int
    url: Text


class _Metric(Table):
    name: Name
    unit: Text
    better: Literal["higher", "lower"]
    split: Text = "test"
    margin: NotNegative | None = None
    margin_relative: NotNegative | None = None
    margin_reason: str = ""


class _Recipe(Table):
    summary: Text
    extends: Name | None = None
    mode: Mode
    dataset: Name | None = None
    deadline_minutes: Positive
    first_seeds: Annotated[int, Field(ge=1)]
    max_seeds: Annotated[int, Field(ge=1)]
    flops_per_sample: Positive | None = None
    minutes: dict[str, Positive] = Field(default_factory=dict)
    tags: list[Name] = Field(default_factory=list)
    hyperparameters: dict[str, Any] = Field(default_factory=dict)
    metrics: Annotated[list[_Metric], Field(min_length=1)]


class _Model(Table):
    title: Text
    task: Text
    paper: _Paper | None = None
    family: Name | Annotated[list[Name], Field(min_length=1)] | None = None
    architecture: dict[str, Any] = Field(default_factory=dict)
    default_recipe: str
    recipes: Annotated[dict[Name, _Recipe], Field(min_length=1)]


def load_model(workspace: Workspace, name: str) -> ModelSpec:
    """The model of the first shelf that has it.  An unknown name is answered with the nearest."""
    folders = _folders(workspace.shelves)
    if name not in folders:
        raise HarnessError(f"unknown model {name!r}", hint=nearest(name, folders))
    model, faults = _read(folders[name], workspace.shelves)
    raise_faults(faults)
    assert model is not None  # a model without faults was made
    return model


def load_models(workspace: Workspace) -> tuple[ModelSpec, ...]:
    """All models by name.  Broken files raise, with the faults of all of them."""
    folders = _folders(workspace.shelves)
    read = [_read(folders[name], workspace.shelves) for name in sorted(folders)]
    raise_faults(fault for _, faults in read for fault in faults)
    return tuple(model for model, _ in read if model is not None)


def model_names(workspace: Workspace) -> frozenset[str]:
    """Of all models, whether their files are sound or not."""
    return frozenset(_folders(workspace.shelves))


def load_snapshot(folder: Path) -> ModelSpec:
    """The model of a run's snapshot, where what its family shares lies beside its own files."""
    shown = f"models/{folder.name}/model.toml"
    raw, faults = read_toml((folder / "model.toml").read_bytes(), shown)
    raise_faults(faults)
    raw = _extended(raw)
    try:
        parsed = _Model.model_validate(raw)
    except ValidationError as error:
        raise_faults(schema_faults(error, _Model, shown))
        raise
    raise_faults(Fault(file=shown, text=text, hint=hint) for text, hint in _file_faults(raw))
    return _model(parsed, folder, _frameworks(folder), ())


def _frameworks(*folders: Path) -> tuple[str, ...]:
    return tuple(name for name, file in MODEL_FILES.items() if any((folder / file).is_file() for folder in folders))


def _folders(shelves: Sequence[Path]) -> dict[str, Path]:
    """Model folders by name; an earlier shelf shadows a later one."""
    return {path.parent.name: path.parent for shelf in reversed(shelves) for path in shelf.glob("models/*/model.toml")}


def _read(folder: Path, shelves: Sequence[Path]) -> tuple[ModelSpec | None, list[Fault]]:
    shown = f"models/{folder.name}/model.toml"
    raw, faults = read_toml((folder / "model.toml").read_bytes(), shown)
    if faults:
        return None, faults
    raw = _extended(raw)
    parsed: _Model | None = None
    try:
        parsed = _Model.model_validate(raw)
    except ValidationError as error:
        faults = schema_faults(error, _Model, shown)
    families = [_family(folder, name, shelves) for name in (_family_names(parsed) if parsed else ())]
    frameworks = _frameworks(folder, *families)
    found = (*_folder_faults(folder, frameworks), *_family_faults(folder, families), *_file_faults(raw))
    faults += [Fault(file=shown, text=text, hint=hint) for text, hint in found]
    if faults or parsed is None:
        return None, faults
    return _model(parsed, folder, frameworks, families), []


def _folder_faults(folder: Path, frameworks: Sequence[str]) -> Iterator[tuple[str, str]]:
    if not NAME.fullmatch(folder.name):
        yield f"the folder name {folder.name!r} is no model name", "use a-z, 0-9, '.', '_' and '-'"
    if not frameworks:
        files = ", ".join(MODEL_FILES.values())
        yield f"no code lies beside it (looked for {files})", f"add one of {files} to models/{folder.name}/"


def _extended(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Each recipe with ``extends`` gets what it does not say itself from the recipe of that name.

    Hyper-parameters are merged one by one; metrics are all its own or all the other's.  A name that
    is no recipe, or one that extends another in turn, is left for ``_file_faults`` to tell.
    """
    recipes = tables(raw, "recipes")
    if not recipes:
        return dict(raw)
    extended = {}
    for name, recipe in recipes.items():
        base = recipes.get(str(recipe.get("extends")), {})
        own, inherited = recipe.get("hyperparameters", {}), base.get("hyperparameters", {})
        merged = {**inherited, **own} if isinstance(own, dict) and isinstance(inherited, dict) else own
        extended[name] = {**base, **recipe, "hyperparameters": merged} if base else recipe
    others = {name: recipe for name, recipe in raw["recipes"].items() if name not in recipes}
    return {**raw, "recipes": {**extended, **others}}


def _family_names(parsed: _Model) -> list[str]:
    return [parsed.family] if isinstance(parsed.family, str) else parsed.family or []


def _family(folder: Path, name: str, shelves: Sequence[Path]) -> Path:
    """models/<name>/ of the model's own shelf, else of a later one: a model that shadows another needs no copy."""
    own = folder.parents[1]
    places = [shelf / "models" / name for shelf in shelves[shelves.index(own) :]]
    return next((place for place in places if place.is_dir()), places[0])


def _family_faults(folder: Path, families: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """The modules of a model and of its families lie side by side when it runs, so no name may come twice."""
    places = {path.name: folder.name for path in folder.glob("*.py")}
    for family in families:
        shared = sorted(path.name for path in family.glob("*.py"))
        if not shared:
            hint = f"put what {folder.name} shares with other models there, or leave the key out"
            yield f"family: models/{family.name}/ holds no Python file", hint
        for name in shared:
            if name in places:
                where = f"models/{places[name]}/ and in models/{family.name}/"
                yield f"family: {name} lies in {where}", "remove one of the two, or give it another name"
            places[name] = family.name


def _file_faults(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What the schema cannot say, of a file that may break the schema elsewhere."""
    recipes = tables(raw, "recipes")
    default = raw.get("default_recipe")
    if isinstance(default, str) and default not in recipes:
        yield f"default_recipe: there is no recipe {default!r}", nearest(default, recipes)
    for name, recipe in recipes.items():
        base = recipe.get("extends")
        if base is not None and (base not in recipes or base == name):
            yield f"recipes.{name}.extends: there is no other recipe {base!r}", nearest(str(base), {*recipes} - {name})
        elif base is not None and "extends" in tables(raw, "recipes")[base]:
            yield f"recipes.{name}.extends: {base!r} extends another recipe itself", "name that one"
        yield from ((f"recipes.{name}{text}", hint) for text, hint in _recipe_faults(recipe))
    for key, value in _items(raw.get("architecture")):
        if not _plain(value):
            yield f"architecture.{key}: {value!r} cannot be passed on", _PLAIN_HINT


def _recipe_faults(recipe: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    first, most = recipe.get("first_seeds"), recipe.get("max_seeds")
    if isinstance(first, int) and isinstance(most, int) and first > most:
        yield f": first_seeds = {first} is above max_seeds = {most}", "raise max_seeds, or lower first_seeds"
    names = [metric.get("name") for metric in table_list(recipe, "metrics")]
    if recipe.get("mode") == "speed" and SPEED not in names:
        yield f'.metrics: mode "speed" measures {SPEED}, which is not among them', f'add a metric named "{SPEED}"'
    for name in sorted({name for name in names if isinstance(name, str) and names.count(name) > 1}):
        yield f".metrics: {name!r} is there {names.count(name)} times", "keep one table for each metric"
    for framework, _ in _items(recipe.get("minutes")):
        if framework not in MODEL_FILES:
            yield f".minutes.{framework}: unknown framework", nearest(framework, MODEL_FILES)
    for key, value in _items(recipe.get("hyperparameters")):
        if not _plain(value):
            yield f".hyperparameters.{key}: {value!r} cannot be passed on", _PLAIN_HINT


_PLAIN_HINT = "hyper-parameters are strings, booleans, finite numbers, and lists of these"


def _items(table: object) -> list[tuple[str, Any]]:
    return list(table.items()) if isinstance(table, dict) else []


def _plain(value: object) -> bool:
    match value:
        case bool() | str() | int():
            return True
        case float():
            return math.isfinite(value)
        case list():
            return all(_plain(item) for item in value)
    return False


def _model(parsed: _Model, folder: Path, frameworks: tuple[str, ...], families: Sequence[Path]) -> ModelSpec:
    return ModelSpec(
        name=folder.name,
        title=parsed.title,
        task=parsed.task,
        paper=Paper(**parsed.paper.model_dump()) if parsed.paper else None,
        frameworks=frameworks,
        default_recipe=parsed.default_recipe,
        recipes={name: _recipe(name, recipe, parsed.architecture) for name, recipe in parsed.recipes.items()},
        folder=str(folder),
        families=tuple(map(str, families)),
    )


def _recipe(name: str, parsed: _Recipe, architecture: Mapping[str, Any]) -> Recipe:
    """What the architecture says holds in every recipe that does not say otherwise."""
    return Recipe(
        **{
            **parsed.model_dump(exclude={"extends"}),
            "name": name,
            "hyperparameters": {**architecture, **parsed.hyperparameters},
            "metrics": tuple(Metric(**metric.model_dump()) for metric in parsed.metrics),
            "tags": tuple(parsed.tags),
        }
    )
