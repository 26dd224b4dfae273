"""How long a night's report takes: ``pytest benchmarks/test_reports.py --benchmark-enable``.

Target (issue 5): 50 models in 10 environments over 60 nights, 30,000 runs, under 10 s and 5 MB.  The runs
are made up and given in memory: reading them is the store's time, not the report's.
"""

from __future__ import annotations

from pathlib import Path

from pytest_benchmark.fixture import BenchmarkFixture

from harness.commands.pages import History
from harness.commands.report import judge_models, write_report
from tests.conftest import REPOSITORY, open_at
from tests.reports.nights import made_night, made_nights

MODELS = [f"toy-{number:02d}" for number in range(50)]
ENVIRONMENTS = [f"numpy-2.{number}" for number in range(10)]
NIGHTS = 60
BASELINE = (
    '[[reference]]\nrecipe = "fine"\nmetric = "score"\nkind = "recorded"\nsource = "test"\nreason = "test"\n'
    'how = "last epoch"\nvalues = [0.96, 0.957, 0.963, 0.959, 0.961]\nenvironment = "numpy-2.4"\n'
    'date = "2026-01-01"\n'
)


def test_a_night_of_five_hundred_cells_after_sixty_nights(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    toml = (REPOSITORY / "tests" / "toys" / "toy" / "model.toml").read_text()
    (tmp_path / "baselines").mkdir()
    for model in MODELS:
        (tmp_path / "models" / model).mkdir(parents=True)
        (tmp_path / "models" / model / "model.toml").write_text(toml)
        (tmp_path / "models" / model / "plain.py").write_text("")
        (tmp_path / "baselines" / f"{model}.toml").write_text(BASELINE)
    workspace = open_at(tmp_path)
    runs = tuple(made_nights(MODELS, "fine", "score", ENVIRONMENTS, NIGHTS))
    night = made_night(MODELS, "fine", ENVIRONMENTS, NIGHTS - 1)
    tonight = [run for run in runs if run.night == night.id]

    def judged_and_written() -> Path:
        verdicts, baselines = judge_models(workspace, tonight)
        return write_report(
            workspace, tonight, verdicts, baselines, night=night, history=History(records=runs, damaged=0)
        )

    index = benchmark.pedantic(judged_and_written, rounds=1)  # type: ignore[no-untyped-call]
    pages = list(index.parent.glob("*.html"))
    benchmark.extra_info["index_bytes"] = index.stat().st_size
    benchmark.extra_info["largest_bytes"] = max(page.stat().st_size for page in pages)
    benchmark.extra_info["pages"] = len(pages)
    assert index.stat().st_size < 5_000_000
