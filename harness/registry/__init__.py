"""What lies on the shelves: model.toml and baselines/*.toml as core values, checked at the door.

Every fault of a file is reported at once, with its table and a hint.  Never imports a model.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from harness.registry.workspace import NightlyPlan, Workspace, builtin_shelf, open_workspace

if TYPE_CHECKING:
    from harness.registry.baselines import load_baseline, load_snapshot_baseline
    from harness.registry.models import load_model, load_models, load_snapshot, model_names
    from harness.registry.recording import record_references

__all__ = [
    "NightlyPlan",
    "Workspace",
    "builtin_shelf",
    "load_baseline",
    "load_model",
    "load_models",
    "load_snapshot",
    "load_snapshot_baseline",
    "model_names",
    "open_workspace",
    "record_references",
]

# What checks files takes a quarter of a second to load, and ``harness list`` can often do without.
_WHERE = {
    "load_baseline": "baselines",
    "load_model": "models",
    "load_models": "models",
    "load_snapshot": "models",
    "load_snapshot_baseline": "baselines",
    "model_names": "models",
    "record_references": "recording",
}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
