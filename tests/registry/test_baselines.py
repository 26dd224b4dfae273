from __future__ import annotations

import pytest

from harness.core.errors import HarnessError
from harness.core.values import Baseline
from harness.registry import Workspace, load_baseline, load_model
from tests.registry.shelves import PUBLISHED, replaced, write_baseline, write_model

SPEED = """\
[[reference]]
recipe = "speed"
metric = "samples_per_second"
kind = "published"
value = 250
how = "fp32, batch 32"
machine = "Some CPU, 2 cores"
source = "a web page"
"""


def loaded(workspace: Workspace, *texts: str) -> Baseline:
    """The baseline of the toy, from the built-in shelf and, where there is a second text, the workspace."""
    write_model(workspace.shelves[1])
    for shelf, text in zip(reversed(workspace.shelves), texts, strict=False):
        write_baseline(shelf, text)
    return load_baseline(workspace, load_model(workspace, "toy"))


def faults(workspace: Workspace, *texts: str) -> list[str]:
    with pytest.raises(HarnessError) as faulty:
        loaded(workspace, *texts)
    return [message.removeprefix("baselines/toy.toml: ") for message in faulty.value.messages] + [faulty.value.hint]


def test_no_file_is_a_baseline_without_references(workspace: Workspace) -> None:
    assert loaded(workspace) == Baseline(model="toy", references=())


def test_a_models_name_does_as_well_as_the_model(workspace: Workspace) -> None:
    baseline = loaded(workspace, PUBLISHED)
    assert load_baseline(workspace, "toy") == baseline


def test_a_published_reference_is_read_with_its_spread_and_date(workspace: Workspace) -> None:
    (reference,) = loaded(workspace, PUBLISHED).references
    assert (reference.value, reference.std, reference.std_kind, reference.n) == (0.97, 0.002, "sample", 10)
    assert (reference.date, reference.of, reference.values, reference.machine) == ("2020-05-01", "mean", (), None)


def test_an_exact_number_says_of_which_seeds_and_within_which_digits(workspace: Workspace) -> None:
    spread = 'value = 0.97\nstd = 0.002\nstd_kind = "sample"\nn = 10\n'
    lacking = replaced(PUBLISHED, (spread, 'value = 0.97\nof = "exact"\n'))
    assert faults(workspace, lacking)[0] == 'reference 1 (top1) says of = "exact" without seeds and margin'
    complete = 'value = 0.97\nof = "exact"\nseeds = [0]\nmargin = 0.005\nmargin_reason = "two decimals"\n'
    (reference,) = loaded(workspace, replaced(PUBLISHED, (spread, complete))).references
    assert (reference.of, reference.seeds, reference.margin) == ("exact", (0,), 0.005)


def test_weights_stand_one_for_each_seed_and_value(workspace: Workspace) -> None:
    spread = 'value = 0.97\nstd = 0.002\nstd_kind = "sample"\nn = 10\n'
    wrong = replaced(PUBLISHED, (spread, 'values = [0.96, 0.98]\nseeds = [0, 1]\nweights = ["aa"]\n'))
    assert faults(workspace, wrong)[0] == "reference 1 (top1) gives weights that do not stand for its seeds and values"
    right = replaced(PUBLISHED, (spread, 'values = [0.96, 0.98]\nseeds = [0, 1]\nweights = ["aa", "bb"]\n'))
    (reference,) = loaded(workspace, right).references
    assert reference.weights == ("aa", "bb")


def test_mean_and_n_follow_from_raw_values(workspace: Workspace) -> None:
    spread = 'value = 0.97\nstd = 0.002\nstd_kind = "sample"\nn = 10\n'
    (reference,) = loaded(workspace, replaced(PUBLISHED, (spread, "values = [0.96, 0.98, 0.97]\n"))).references
    assert reference.values == (0.96, 0.98, 0.97)
    assert reference.value == pytest.approx(0.97)
    assert reference.n == 3


def test_references_of_the_workspace_come_after_those_of_the_shelf(workspace: Workspace) -> None:
    references = loaded(workspace, PUBLISHED, SPEED).references
    assert [reference.metric for reference in references] == ["top1", "samples_per_second"]


def test_a_speed_without_a_machine_is_refused(workspace: Workspace) -> None:
    unnamed = replaced(SPEED, ('machine = "Some CPU, 2 cores"\n', ""))
    assert faults(workspace, PUBLISHED + "\n" + unnamed) == [
        "reference 2 (samples_per_second) names no machine",
        'a speed holds for one machine only; add machine = "..."',
    ]


def test_a_reference_without_a_source_is_refused(workspace: Workspace) -> None:
    assert faults(workspace, replaced(PUBLISHED, ('source = "On toys, table 1"\n', "")))[0] == (
        "reference 1.source: missing"
    )
    assert faults(workspace, replaced(PUBLISHED, ('"On toys, table 1"', '""')))[0].startswith("reference 1.source: ")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("value = 0.97", "value = nan", "reference 1.value: should be a finite number, is nan"),
        ("value = 0.97\n", "", "reference 1 (top1) has no value"),
        ("value = 0.97", "value = 0.97\nvalues = []", "reference 1.values: List should have at least 1 item"),
        ("n = 10\n", "", "reference 1 (top1) gives std without n"),
        ('std_kind = "sample"\nn = 10\n', "", "reference 1 (top1) gives std without std_kind and n"),
        ('"sample"', '"sigma"', "reference 1.std_kind: should be 'sample', 'population' or 'standard error'"),
        ("value = 0.97", "value = 0.9\nvalues = [0.97]", "reference 1 (top1) says value = 0.9, but its values have"),
        ("n = 10", "values = [0.97]\nn = 10", "reference 1 (top1) says n = 10, but lists 1 values"),
        ('how = "last epoch, test split"\n', "", "reference 1 (top1) does not say how it was made"),
        ('"published"', '"recorded"', "reference 1 (top1) gives no reason"),
        ('"published"', '"earlier"\nreason = "begun"', "reference 1 (top1) gives no weights"),
        ("n = 10", "n = 10\nmargin = 0.1", "reference 1 (top1) replaces the margin without a margin_reason"),
        ("n = 10", 'n = 10\nframework = "pytorch"', "reference 1 (top1) names the unknown framework 'pytorch'"),
        ('recipe = "digits"', 'recipe = "digit"', "reference 1 (top1) names the recipe 'digit', which toy does not"),
        ('metric = "top1"', 'metric = "top5"', "reference 1 (top5) names the metric 'top5', which recipe 'digits'"),
        ("n = 10", "n = 10\nsourse = 1", "reference 1.sourse: unknown key"),
        ("value = 0.97", "value = 97.0", "reference 1 (top1) gives 97, but top1 is a fraction"),
        ("n = 10", 'n = 10\nsplit = "val"', "reference 1 (top1) is of split 'val'"),
        ("n = 10", 'n = 10\nunit = "percent"', "reference 1 (top1) is of unit 'percent'"),
        ("[[reference]]", "colour = 1\n[[reference]]", "colour: unknown key"),
        ("[[reference]]", "[reference]", "reference: should be a valid list"),
    ],
)
def test_a_fault_names_its_reference(workspace: Workspace, old: str, new: str, message: str) -> None:
    assert any(fault.startswith(message) for fault in faults(workspace, replaced(PUBLISHED, (old, new))))


def test_all_faults_of_a_file_are_reported_together(workspace: Workspace) -> None:
    broken = replaced(PUBLISHED, ("n = 10\n", "")) + replaced(SPEED, ("250", "inf"), ("machine", "machin"))
    assert [fault.split(" (s")[0].split(" (a ")[0] for fault in faults(workspace, broken)] == [
        "reference 2.value: should be a finite number, is inf",
        "reference 2.machin: unknown key (did you mean machine? known: batch_size, code, data, date, environment, "
        "framework, gpu, how, kind, lock, machine, margin, margin_reason, metric, n, of, reason, recipe, runs, seeds, "
        "source, split, std, std_kind, unit, url, value, values, weights)",
        "reference 1 (top1) gives std without n",
        "reference 2",
        "",
    ]


def test_the_same_number_twice_is_refused_but_two_recordings_are_not(workspace: Workspace) -> None:
    assert faults(workspace, PUBLISHED + replaced(PUBLISHED, ("0.97", "0.98")))[0] == (
        "reference 2 (top1) repeats reference 1"
    )
    recorded = replaced(PUBLISHED, ('"published"', '"recorded"\nreason = "first"'))
    assert len(loaded(workspace, recorded + replaced(recorded, ("0.97", "0.98"))).references) == 2
    assert faults(workspace, recorded + recorded)[0] == "reference 2 (top1) repeats reference 1"
