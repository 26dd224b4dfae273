"""``python -m tests.models.rounding MODEL [--nudges N]``: how far apart two right float32 trainings may be.

Trains a character model's TensorFlow twin (minutes each), once as it is and N times with every first weight moved
to the next float32 above or below, which is less than one rounding of any product in it; prints how far the twenty
losses that the notebook prints move.  Nothing published enters: what is found is the noise of the format along this
training, to which a comparison with another machine's losses is entitled.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from tests.conftest import REPOSITORY, Workspace

NUDGE = '''
def nudged(weights):
    """To the neighbouring float32, up or down by chance."""
    import os
    import numpy
    chance = int(os.environ["ROUNDING_NUDGE"])
    random = numpy.random.RandomState(chance)
    for weight in weights if chance else ():
        value = weight.numpy()
        towards = numpy.where(random.rand(*value.shape) < 0.5, -numpy.inf, numpy.inf)
        weight.assign(numpy.nextafter(value, towards, dtype="float32"))


'''


def losses(root: Path, model: str, nudge: int) -> list[float]:
    """The twenty losses of one training, from what its copy printed."""
    command = [sys.executable, "-m", "harness", "--workspace", str(root), "run", model, "-f", "tensorflow"]
    told = subprocess.run(
        [*command, "--seed", "0", "--max-seeds", "1", "--json"],
        env={**os.environ, "ROUNDING_NUDGE": str(nudge)}, stdout=subprocess.PIPE, check=False,
    )  # fmt: skip
    log = root / ".harness" / "runs" / json.loads(told.stdout)["runs"][0]["id"] / "worker.log"
    (line,) = [line for line in log.read_text().splitlines() if line.startswith("printed ")]
    found: list[float] = json.loads(line.removeprefix("printed "))
    return found


def workspace(root: Path, model: str) -> Path:
    shutil.copytree(REPOSITORY / "models" / model, root / "models" / model)
    twin = root / "models" / model / "tf.py"
    text = twin.read_text()
    text = text.replace("def train(", NUDGE + "def train(")
    text = text.replace(
        '    run.weights("initial", model)\n',
        '    nudged(model.trainable_weights)\n    run.weights("initial", model)\n',
    )
    text += '    print("printed", kept["printed"], flush=True)\n'
    twin.write_text(text)
    Workspace(root)  # borrows what is built
    return root


@click.command(help=__doc__)
@click.argument("model")
@click.option("--nudges", default=3, show_default=True)
def main(model: str, nudges: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = workspace(Path(folder), model)
        plain = losses(root, model, 0)
        for nudge in range(1, nudges + 1):
            apart = [abs(a - b) for a, b in zip(plain, losses(root, model, nudge), strict=True)]
            told = " ".join(f"{each:.1e}" for each in apart)
            click.echo(f"nudge {nudge}: largest {max(apart):.3g}, every 10,000 steps {told}")


if __name__ == "__main__":
    main()
