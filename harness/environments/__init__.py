"""One framework version each: environments/<name>.toml and its lock -> a built venv, found again by digest.

Built by uv with pip's configuration passed on.  Never imports a framework.
"""

from harness.environments.adding import add, known_package, template_of
from harness.environments.building import Built, build, find_built, remove
from harness.environments.definitions import (
    CURRENT,
    load_definition,
    load_definitions,
    load_environment,
    load_environments,
)
from harness.environments.installed import current
from harness.environments.locking import lock, lock_installed
from harness.environments.packages import install_package
from harness.environments.pip_configuration import PipConfiguration, pip_configuration
from harness.environments.versions import available_versions
from harness.environments.written import written

__all__ = [
    "CURRENT",
    "Built",
    "PipConfiguration",
    "add",
    "available_versions",
    "build",
    "current",
    "find_built",
    "install_package",
    "known_package",
    "load_definition",
    "load_definitions",
    "load_environment",
    "load_environments",
    "lock",
    "lock_installed",
    "pip_configuration",
    "remove",
    "template_of",
    "written",
]
