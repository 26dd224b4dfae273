"""``python -m tests.statistics.study [--scale S] [PART...]``: print the table.

Exit 1 where a target is missed by more than the Monte-Carlo error.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time

from tabulate import tabulate

from tests.statistics.study.row import Row

PARTS = ("accuracy", "speed", "histories")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full number of cases")
    parser.add_argument("part", nargs="*", help=", ".join(PARTS))
    arguments = parser.parse_args()
    found: list[Row] = []
    for part in arguments.part or PARTS:
        start = time.monotonic()
        found += importlib.import_module(f"tests.statistics.study.{part}").rows(arguments.scale)
        print(f"{part}: {time.monotonic() - start:.0f} s", file=sys.stderr)
    print(tabulate([_cells(row) for row in found], headers=("question", "figure", "rule", "value", "95 %", "target")))
    return int(any(row.refuted for row in found))


def _cells(row: Row) -> tuple[str, ...]:
    target = f"≤ {row.at_most:g}" if row.at_most is not None else ""
    target += f"≥ {row.at_least:g}" if row.at_least is not None else ""
    missed = " MISSED" if row.refuted else " not reached, within the error"
    mark = {True: " reached", False: missed, None: ""}[row.reached]
    return (row.question, row.figure, row.rule, f"{row.value:.4g}", f"{row.low:.3g} to {row.high:.3g}", target + mark)


if __name__ == "__main__":
    sys.exit(main())
