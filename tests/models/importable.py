"""A model's modules as its worker finds them: in the model's folder or in those of its families.

The probes import it too, in a framework's environment: standard library only.
"""

from __future__ import annotations

import sys
import tomllib
from importlib import import_module
from pathlib import Path
from types import ModuleType


def module_of(model: Path, name: str) -> ModuleType:
    """Imported anew each time: other models have modules that are called alike."""
    family = tomllib.loads((model / "model.toml").read_text()).get("family", [])
    folders = [model, *(model.parent / name for name in ([family] if isinstance(family, str) else family))]
    sys.path[:0] = map(str, folders)
    try:
        return import_module(name)
    finally:
        del sys.path[: len(folders)]
        for path in (path for folder in folders for path in folder.glob("*.py")):
            sys.modules.pop(path.stem, None)
