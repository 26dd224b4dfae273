"""A shelf with one small model, to be broken in one place or many."""

from __future__ import annotations

from pathlib import Path

MODEL = """\
title = "Toy"
task = "image classification"
default_recipe = "digits"

[paper]
title = "On toys"
authors = "A. Person"
year = 2020
url = "https://example.org/toys"

[recipes.digits]
summary = "handwritten digits"
mode = "train"
dataset = "digits"
deadline_minutes = 5
first_seeds = 3
max_seeds = 9
minutes = { numpy = 0.1 }

[recipes.digits.hyperparameters]
learning_rate = 0.1
milestones = [3, 5]
nesterov = true
schedule = "step"

[[recipes.digits.metrics]]
name = "top1"
unit = "fraction"
better = "higher"
margin = 0.01
margin_reason = "one image in a hundred"

[recipes.speed]
summary = "synthetic images"
mode = "speed"
deadline_minutes = 5
first_seeds = 2
max_seeds = 5
flops_per_sample = 1e6

[[recipes.speed.metrics]]
name = "samples_per_second"
unit = "samples/s"
better = "higher"
margin_relative = 0.05
"""

PUBLISHED = """\
[[reference]]
recipe = "digits"
metric = "top1"
kind = "published"
value = 0.97
std = 0.002
std_kind = "sample"
n = 10
how = "last epoch, test split"
source = "On toys, table 1"
date = 2020-05-01
"""


def write_model(shelf: Path, name: str = "toy", text: str = MODEL, *, files: tuple[str, ...] = ("plain.py",)) -> Path:
    folder = shelf / "models" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.toml").write_text(text, encoding="utf-8")
    for file in files:
        (folder / file).touch()
    return folder


def write_baseline(shelf: Path, text: str, name: str = "toy") -> Path:
    path = shelf / "baselines" / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def replaced(text: str, *changes: tuple[str, str]) -> str:
    """``text`` with each first one of a pair, which must be there, replaced by the second."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text
