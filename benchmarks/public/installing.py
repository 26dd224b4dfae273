"""Where public implementations are installed: a venv a framework, on top of the harness's own environment of it.

Both sides so run the same build of the framework; the harness's environments are not touched.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from harness.environments import Built

FOLDER = Path(__file__).parent


def python_of(built: Built, venvs: Path) -> Path:
    """Ends the program where nothing was installed yet, or on top of an environment that is gone."""
    venv = venvs / built.environment.name
    python = venv / "bin" / "python"
    below = [Path(pth.read_text().strip()) for pth in venv.glob("lib/python*/site-packages/environment.pth")]
    if not python.exists() or not below or not all(path.exists() for path in below):
        missing = next((path for path in below if not path.exists()), python)
        raise SystemExit(f"{missing} is missing\nhint: python -m benchmarks.public --install --venvs {venvs}")
    return python


def install(built: Built, venvs: Path) -> None:
    framework = built.environment.framework
    venv = venvs / built.environment.name
    subprocess.run([built.python, "-m", "venv", "--clear", venv], check=True)
    (ours,), (theirs,) = (list(root.glob("lib/python*/site-packages")) for root in (built.python.parent.parent, venv))
    (theirs / "environment.pth").write_text(f"{ours}\n")
    pip: list[str | Path] = [venv / "bin" / "python", "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "-r", FOLDER / f"{framework}.txt"], check=True)
    apart = FOLDER / f"without-dependencies-{framework}.txt"
    if apart.exists():
        subprocess.run([*pip, "--no-deps", "-r", apart], check=True)
