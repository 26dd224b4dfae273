"""``python -m tests.planted month [--months N]`` and ``python -m tests.planted runs [NAME...]``: what is found.

``month`` counts over many seeds: unchanged months that raise an alarm, and planted changes that are found and
placed.  ``runs`` plants five faults into environments of real frameworks and asks ``harness compare``.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.planted.month import ENVIRONMENTS, MODELS, NIGHTS, Month, Planted, alarms, date, placed
from tests.planted.runs import CASES, compare, table, workspace


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(required=True)
    months = parts.add_parser("month")
    months.add_argument("--months", type=int, default=40, help="of each kind")
    months.set_defaults(part=count_months)
    runs = parts.add_parser("runs")
    runs.add_argument("name", nargs="*", help=", ".join(case.name for case in CASES))
    runs.add_argument("--workspace", type=Path, help="kept; a temporary one if left out")
    runs.set_defaults(part=plant_runs)
    arguments = parser.parse_args()
    return int(arguments.part(arguments))


def count_months(arguments: argparse.Namespace) -> int:
    unchanged, verdicts, steps = 0, 0, 0
    for seed in range(arguments.months):
        with tempfile.TemporaryDirectory() as folder:
            told = alarms(Month(Path(folder), seed))
        unchanged += not told.verdicts and not told.steps
        verdicts, steps = verdicts + len(told.verdicts), steps + len(told.steps)
        for night, verdict in told.verdicts:
            print(f"seed {seed}, {date(night)}: {verdict.sentence}", file=sys.stderr)
        for night, trend in told.steps:
            print(f"seed {seed}, {date(night)}: {trend.sentences[0]}", file=sys.stderr)
    cells = 2 * len(MODELS) * len(ENVIRONMENTS)
    print(
        f"unchanged: {unchanged} of {arguments.months} months of {cells} cells without an alarm; "
        f"{verdicts} verdicts and {steps} changes of level were told"
    )
    for slower, worse in ((1 / 0.9 - 1, 0.0), (1 / 0.95 - 1, 0.0), (0.0, 0.02), (0.0, 0.012)):
        found, news = count_planted(arguments.months, slower, worse)
        what = f"speed {1 / (1 + slower) - 1:+.0%}" if slower else f"score {-worse:+.3f}"
        print(f"{what}: placed in {found} of {arguments.months} histories, on the first page in {news}")
    return 0


def count_planted(months: int, slower: float, worse: float) -> tuple[int, int]:
    """In how many months the history places the change, and the first page tells it."""
    found, news = 0, 0
    for seed in range(months):
        draw = random.Random(seed)
        planted = Planted(
            model=draw.choice(MODELS),
            environment=draw.choice([*ENVIRONMENTS]),
            recipe="speed" if slower else "fit",
            night=draw.randrange(8, NIGHTS - 5),
            slower=slower,
            worse=worse,
        )
        with tempfile.TemporaryDirectory() as folder:
            month = Month(Path(folder), seed, (planted,))
            found += placed(month.trend(planted), planted)
            news += any(month.is_told(planted, night) for night in range(planted.night + 3, NIGHTS))
    return found, news


def plant_runs(arguments: argparse.Namespace) -> int:
    cases = [case for case in CASES if case.name in (arguments.name or [each.name for each in CASES])]
    root = arguments.workspace or Path(tempfile.mkdtemp(prefix="planted-"))
    found = []
    for case in cases:
        found.append(compare(workspace(root / case.name.replace(" ", "-"), case), case))
        print(table(found[-1:]), flush=True)
    print(table(found))
    return int(any(not each.found for each in found))


if __name__ == "__main__":
    sys.exit(main())
