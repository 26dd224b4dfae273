"""Which images of a batch are mixed, and how: drawn by numpy, so that both frameworks mix alike.

Every image is mixed with its neighbour in the batch (the batch rolled by one, as torchvision's
references do), all by the same share.
"""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Optional, Tuple

import numpy


class Mix(NamedTuple):
    """``share`` of each label stays, the rest is the neighbour's.

    With a ``box`` (top, bottom, left, right) the neighbour's pixels are pasted there (CutMix, Yun et
    al. 2019); without one, all pixels are averaged by ``share`` (mixup, Zhang et al. 2018).
    """

    share: float
    box: Optional[Tuple[int, int, int, int]]


def draw(hparams: Dict[str, Any], seed: int, epoch: int, step: int, height: int, width: int) -> Optional[Mix]:
    """The mix of one step, or None where the recipe has none.  With both kinds, either is as likely.

    Keyed by (seed, epoch, step): it needs no state, so a resumed run draws the same.
    """
    alphas = [float(hparams.get(name, 0.0)) for name in ("mixup_alpha", "cutmix_alpha")]
    kinds = [kind for kind, alpha in enumerate(alphas) if alpha > 0.0]
    if not kinds:
        return None
    random = numpy.random.RandomState([seed % 2**32, epoch, step, 0x6D6978])  # "mix"
    kind = kinds[random.randint(len(kinds))]
    share = float(random.beta(alphas[kind], alphas[kind]))
    if kind == 0:
        return Mix(share, None)
    return cut(share, int(random.randint(height)), int(random.randint(width)), height, width)


def cut(share: float, row: int, column: int, height: int, width: int) -> Mix:
    """The box around (row, column) whose sides are sqrt(1 - share) of the image's, as far as it lies inside.

    Its share is that of the pixels that stay (Yun et al. 2019, equation 2 and appendix A).
    """
    half = 0.5 * (1.0 - share) ** 0.5
    down, right = int(half * height), int(half * width)
    top, bottom = max(row - down, 0), min(row + down, height)
    left, right = max(column - right, 0), min(column + right, width)
    return Mix(1.0 - (bottom - top) * (right - left) / (height * width), (top, bottom, left, right))
