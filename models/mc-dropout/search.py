"""How dropout and tau of a recipe are chosen where the source's own log is not to be had.

    python models/mc-dropout/search.py RECIPE ARRAYS

in a PyTorch environment; ARRAYS is the folder that ``harness data fetch`` names.  As in the source's
experiment.py, a pair of the grid trains on the first four fifths of a split's training rows, and the pair
with the best log-likelihood of the other fifth is taken.  To save time, the pairs of one dropout share
their networks, for tau enters the training by a weight decay of about 1e-6 only.
One line a split and pair, then what was chosen.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any, Dict, Iterator

import numpy
import torch
from pytorch import adam, build, predict, train_epochs
from splits import Parts, orders, scores, splits, standardise, weight_decay

SEED = 0
DROPOUTS, TAUS = (0.005, 0.01, 0.05, 0.1), (0.1, 0.15, 0.2)  # of bostonHousing, as its validation logs have them
PASSES = 1000
VALIDATION_FROM = 0.8


def main(recipe: str, arrays: str) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    toml = tomllib.loads(Path(__file__).with_name("model.toml").read_text())
    hparams = {**toml["recipes"][recipe]["hyperparameters"], "passes": PASSES}
    count = len(hparams["dropout"])
    x, y = (numpy.load(Path(arrays) / f"train_{axis}.npy") for axis in "xy")
    cut = int(VALIDATION_FROM * len(splits(len(y), 1)[0][0]))
    parts = standardise(x, y, [(rows[:cut], rows[cut:]) for rows, _ in splits(len(y), count)])
    pairs, found = [], []
    for dropout in DROPOUTS:
        passes = list(trained(parts, {**hparams, "dropout": [dropout] * count, "tau": [TAUS[1]] * count}))
        for tau in TAUS:
            pairs.append((dropout, tau))
            found.append(scores(passes, parts, [tau] * count))
            for number, each in enumerate(zip(*found[-1])):
                say("split %d dropout %g tau %g rmse %.6f log_likelihood %.6f" % (number, dropout, tau, *each))
    best = numpy.array([log_likelihood for _, log_likelihood in found]).argmax(axis=0)
    say("dropout = %s" % [pairs[pair][0] for pair in best])
    say("tau = %s" % [pairs[pair][1] for pair in best])


def trained(parts: Parts, hparams: Dict[str, Any]) -> Iterator[numpy.ndarray]:
    """What networks of these hyper-parameters predict of the rows that were held out."""
    x, y, held_out = map(torch.from_numpy, (parts.x, parts.y, parts.test_x))
    model = build(x.shape[2], hparams)
    optimizer, decay = adam(model, hparams), torch.from_numpy(weight_decay(y.shape[1], hparams))
    for epoch in range(hparams["epochs"]):
        for block in orders(SEED, epoch, parts, hparams):
            train_epochs(model, optimizer, x, y, torch.from_numpy(block), decay, hparams)
    return predict(model, held_out, hparams)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
