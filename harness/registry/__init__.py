"""What lies on the shelves: model.toml and baselines/*.toml as core values, checked at the door.

Every fault of a file is reported at once, with its table and a hint.  Never imports a model.
"""

from harness.registry.baselines import load_baseline
from harness.registry.models import load_model, load_models
from harness.registry.recording import record_references
from harness.registry.workspace import NightlyPlan, Workspace, builtin_shelf, open_workspace

__all__ = [
    "NightlyPlan",
    "Workspace",
    "builtin_shelf",
    "load_baseline",
    "load_model",
    "load_models",
    "open_workspace",
    "record_references",
]
