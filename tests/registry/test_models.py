from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import HarnessError
from harness.registry import Workspace, load_model, load_models
from tests.registry.shelves import MODEL, replaced, write_model


def faults(workspace: Workspace, text: str) -> list[str]:
    write_model(workspace.root, text=text)
    with pytest.raises(HarnessError) as faulty:
        load_model(workspace, "toy")
    return [*faulty.value.messages, *([f"hint: {faulty.value.hint}"] if faulty.value.hint else [])]


def test_a_folder_with_model_toml_is_a_model(workspace: Workspace) -> None:
    folder = write_model(workspace.root, files=("plain.py", "pytorch.py"))
    model = load_model(workspace, "toy")

    assert (model.name, model.frameworks, model.folder) == ("toy", ("torch", "numpy"), str(folder))
    assert model.paper is not None
    assert model.paper.year == 2020
    digits = model.recipes["digits"]
    assert digits.hyperparameters == {
        "learning_rate": 0.1,
        "milestones": [3, 5],
        "nesterov": True,
        "schedule": "step",
    }
    assert (digits.metrics[0].split, digits.metrics[0].margin, digits.minutes) == ("test", 0.01, {"numpy": 0.1})
    assert model.recipes["speed"].dataset is None


def test_models_come_by_name_and_those_of_the_workspace_shadow(workspace: Workspace) -> None:
    builtin = workspace.shelves[1]
    write_model(builtin, "zebra")
    write_model(builtin, "toy")
    write_model(workspace.root, "toy", replaced(MODEL, ('"Toy"', '"My toy"')))
    (builtin / "models" / "__pycache__").mkdir()

    assert [(model.name, model.title) for model in load_models(workspace)] == [("toy", "My toy"), ("zebra", "Toy")]


def test_an_unknown_model_is_answered_with_the_nearest(workspace: Workspace) -> None:
    write_model(workspace.root, "resnet50")
    with pytest.raises(HarnessError, match="unknown model 'resnet05'") as unknown:
        load_model(workspace, "resnet05")
    assert unknown.value.hint == "did you mean resnet50? known: resnet50"


def test_all_faults_of_a_file_are_reported_together(workspace: Workspace) -> None:
    broken = replaced(
        MODEL,
        ('default_recipe = "digits"', 'default_recipe = "digts"\ncolour = "red"'),
        ("year = 2020\n", ""),
        ("first_seeds = 3", 'first_seeds = "3"'),
        ("learning_rate = 0.1", "learning_rate = nan"),
        ('unit = "fraction"\n', ""),
        ("margin = 0.01", "margin = -0.01"),
        ("numpy = 0.1", "numpi = 0.1"),
        ("first_seeds = 2", "first_seeds = 7"),
        ('"samples_per_second"', '"images"'),
        ("margin_relative = 0.05", "margin_relativ = inf"),
    )
    found = faults(workspace, broken)
    assert [line.removeprefix("models/toy/model.toml: ").split(" (")[0] for line in found] == [
        "paper.year: missing",
        "recipes.digits.first_seeds: should be a valid integer, is '3'",
        "recipes.digits.metrics[0].unit: missing",
        "recipes.digits.metrics[0].margin: should be greater than or equal to 0, is -0.01",
        "recipes.speed.metrics[0].margin_relativ: unknown key",
        "colour: unknown key",
        "default_recipe: there is no recipe 'digts'",
        "recipes.digits.minutes.numpi: unknown framework",
        "recipes.digits.hyperparameters.learning_rate: nan cannot be passed on",
        "recipes.speed: first_seeds = 7 is above max_seeds = 5",
        'recipes.speed.metrics: mode "speed" measures samples_per_second, which is not among them',
    ]
    assert "did you mean margin_relative?" in found[4]
    assert "did you mean digits?" in found[6]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('mode = "train"', 'mode = "training"', "recipes.digits.mode: should be 'train' or 'speed', is 'training'"),
        ("margin = 0.01", "margin = inf", "recipes.digits.metrics[0].margin: should be a finite number, is inf"),
        ("deadline_minutes = 5", "deadline_minutes = true", "recipes.digits.deadline_minutes: should be a valid"),
        ('dataset = "digits"', 'dataset = "../digits"', "recipes.digits.dataset: String should match pattern"),
        ("milestones = [3, 5]", "milestones = [3, -inf]", "recipes.digits.hyperparameters.milestones: [3, -inf]"),
        ('schedule = "step"', "schedule = 2026-01-01", "recipes.digits.hyperparameters.schedule: datetime.date"),
    ],
)
def test_a_single_fault_names_its_place(workspace: Workspace, old: str, new: str, message: str) -> None:
    found = faults(workspace, replaced(MODEL, (old, new)))
    assert found[0].startswith(f"models/toy/model.toml: {message}")


OF_A_FAMILY = replaced(MODEL, ('task = "', 'family = "toys"\ntask = "'))


def share(shelf: Path, name: str = "shared.py") -> Path:
    folder = shelf / "models" / "toys"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).touch()
    return folder


def test_a_family_is_found_beside_the_model_or_on_a_later_shelf(workspace: Workspace) -> None:
    write_model(workspace.root, text=OF_A_FAMILY)
    behind = share(workspace.shelves[1])
    assert load_model(workspace, "toy").families == (str(behind),)
    beside = share(workspace.root)
    assert load_model(workspace, "toy").families == (str(beside),)
    assert [model.name for model in load_models(workspace)] == ["toy"]  # a family is no model


def test_the_family_of_a_workspace_is_not_that_of_a_built_in_model(workspace: Workspace) -> None:
    write_model(workspace.shelves[1], text=OF_A_FAMILY)
    share(workspace.root)
    behind = share(workspace.shelves[1])
    assert load_model(workspace, "toy").families == (str(behind),)


def test_a_family_without_a_module_is_a_fault(workspace: Workspace) -> None:
    assert faults(workspace, OF_A_FAMILY) == [
        "models/toy/model.toml: family: models/toys/ holds no Python file",
        "hint: put what toy shares with other models there, or leave the key out",
    ]


def test_a_file_that_a_model_and_its_family_both_have_is_a_fault(workspace: Workspace) -> None:
    share(workspace.root, "plain.py")
    assert faults(workspace, OF_A_FAMILY) == [
        "models/toy/model.toml: family: plain.py lies in models/toy/ and in models/toys/",
        "hint: remove one of the two, or give it another name",
    ]


def test_a_model_of_two_families_may_have_its_frameworks_file_there(workspace: Workspace) -> None:
    folder = write_model(workspace.root, text=replaced(OF_A_FAMILY, ('"toys"', '["toys", "more"]')))
    toys = share(workspace.root, "tf.py")
    more = workspace.root / "models" / "more"
    more.mkdir()
    (more / "pieces.py").touch()
    spec = load_model(workspace, "toy")
    assert spec.families == (str(toys), str(more))
    assert "tensorflow" in spec.frameworks
    assert not (folder / "tf.py").exists()
    (more / "tf.py").touch()
    assert "tf.py lies in models/toys/ and in models/more/" in faults(workspace, (folder / "model.toml").read_text())[0]


def test_the_architecture_is_part_of_every_recipe_and_a_recipe_may_extend_another(workspace: Workspace) -> None:
    longer = MODEL + '\n[recipes.longer]\nextends = "digits"\nsummary = "longer"\nhyperparameters = { epochs = 99 }\n'
    write_model(
        workspace.root,
        text=replaced(longer, ("[recipes.digits]", "[architecture]\nblocks = [2, 2]\n\n[recipes.digits]")),
    )
    recipes = load_model(workspace, "toy").recipes
    assert recipes["longer"].hyperparameters == {**recipes["digits"].hyperparameters, "epochs": 99}
    assert recipes["longer"].metrics == recipes["digits"].metrics
    assert all(recipe.hyperparameters["blocks"] == [2, 2] for recipe in recipes.values())


def test_a_recipe_that_extends_nothing_is_a_fault(workspace: Workspace) -> None:
    lost = MODEL + '\n[recipes.longer]\nextends = "digit"\nsummary = "longer"\n'
    found = faults(workspace, lost)
    assert "recipes.longer.extends: there is no other recipe 'digit' (did you mean digits?" in "\n".join(found)


def test_a_metric_twice_in_a_recipe_is_a_fault(workspace: Workspace) -> None:
    twice = '[[recipes.digits.metrics]]\nname = "top1"\nunit = "fraction"\nbetter = "higher"\n\n[recipes.speed]'
    found = faults(workspace, replaced(MODEL, ("[recipes.speed]", twice)))
    assert found[0] == "models/toy/model.toml: recipes.digits.metrics: 'top1' is there 2 times"


def test_a_recipe_without_metrics_is_a_fault(workspace: Workspace) -> None:
    head = MODEL[: MODEL.index("[[recipes.digits.metrics]]")]
    assert faults(workspace, head)[0] == "models/toy/model.toml: recipes.digits.metrics: missing"


def test_toml_that_cannot_be_read_is_shown_with_line_and_column(workspace: Workspace) -> None:
    assert faults(workspace, 'title = "Toy"\ntask = \n')[0] == "models/toy/model.toml:2:8: Invalid value"
    assert faults(workspace, 'title = "Toy"\ntask = [1')[0].startswith("models/toy/model.toml:2:10: Unclosed array")


def test_bytes_that_are_no_text_are_a_fault(workspace: Workspace) -> None:
    (write_model(workspace.root) / "model.toml").write_bytes(b'title = "\xff"')
    with pytest.raises(HarnessError, match=r"models/toy/model\.toml: byte 9 is not UTF-8"):
        load_model(workspace, "toy")


def test_a_model_without_code_names_the_files_it_could_have(workspace: Workspace) -> None:
    write_model(workspace.root, files=())
    with pytest.raises(
        HarnessError, match=r"no code lies beside it \(looked for pytorch\.py, tf\.py, plain\.py, command\.py\)"
    ):
        load_model(workspace, "toy")


def test_a_folder_name_that_is_no_model_name_is_a_fault(workspace: Workspace) -> None:
    write_model(workspace.root, "<script>")
    with pytest.raises(HarnessError, match="the folder name '<script>' is no model name"):
        load_models(workspace)


def test_faults_of_all_models_are_reported_together_and_one_good_model_still_loads(workspace: Workspace) -> None:
    write_model(workspace.root, "bad", "title = 1\n")
    write_model(workspace.root, "worse", "title =\n")
    write_model(workspace.root, "good")

    with pytest.raises(HarnessError) as faulty:
        load_models(workspace)
    assert {Path(message.split(":")[0]).parent.name for message in faulty.value.messages} == {"bad", "worse"}
    assert load_model(workspace, "good").name == "good"
