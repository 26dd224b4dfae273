"""The stages of a RegNet, from its few numbers.  Standard library only.

Radosavovic et al. 2020, "Designing Network Design Spaces", section 3.3.
"""

from __future__ import annotations

import itertools
import math
from typing import List, Tuple

MULTIPLE = 8  # the authors' code rounds widths to it, and so does torchvision


def stages(depth: int, w_0: int, w_a: float, w_m: float) -> List[Tuple[int, int]]:
    """Width and number of blocks of each stage; blocks of one width are a stage.

    A block's width grows by w_a from w_0 (equation 2) and is then moved to the nearest w_0 times a
    power of w_m, nearest in the exponent (equations 3 and 4).
    """
    widths = []
    for block in range(depth):
        power = round(math.log((w_0 + w_a * block) / w_0) / math.log(w_m))
        widths.append(round(w_0 * w_m**power / MULTIPLE) * MULTIPLE)
    return [(width, len(list(blocks))) for width, blocks in itertools.groupby(widths)]
