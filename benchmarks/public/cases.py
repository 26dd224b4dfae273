"""What is measured: for each model how long a round is, and who it is measured against.

A recipe's hyper-parameters hold for both sides; what is changed here only makes epochs shorter, or keeps a
training from ending before it is measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Of theirs/fitting.py.  XLA is left out where it takes minutes to compile.
FITS = ("fit", "epoch", "xla-epoch")


@dataclass(frozen=True, kw_only=True)
class Theirs:
    framework: str
    script: str  # in theirs/
    variant: str = ""


@dataclass(frozen=True, kw_only=True)
class Case:
    model: str  # in its default recipe
    epochs: int  # a round
    theirs: tuple[Theirs, ...]
    changed: Mapping[str, Any] = field(default_factory=dict)  # hyper-parameters
    samples: Mapping[str, int] = field(default_factory=dict)  # of a split, the first ones; all where none are named


def torch(script: str, *variants: str) -> tuple[Theirs, ...]:
    return tuple(Theirs(framework="torch", script=script, variant=each) for each in variants or ("",))


def tensorflow(script: str, *variants: str) -> tuple[Theirs, ...]:
    return tuple(Theirs(framework="tensorflow", script=script, variant=each) for each in variants or ("",))


SERIES = (
    *torch("torch_series"),
    *torch("keras_series", "fit"),
    *tensorflow("keras_series", *FITS),
    *tensorflow("aeon_series"),
)
MAKEMORE = (*torch("torch_makemore"), *tensorflow("tf_makemore"), *tensorflow("keras_makemore", *FITS))

CASES = (
    Case(model="ts-mlp", epochs=10, theirs=SERIES),
    Case(model="ts-fcn", epochs=5, theirs=SERIES),
    Case(model="ts-resnet", epochs=2, theirs=SERIES),
    Case(
        model="gcn",
        epochs=40,
        changed={"early_stopping": 10**6},
        theirs=(*torch("pyg", "index", "sparse"), *torch("dgl_graphs"), *tensorflow("spektral_graphs")),
    ),
    Case(
        model="sgc",
        epochs=100,
        theirs=(*torch("pyg", "index"), *torch("dgl_graphs"), *tensorflow("keras_sgc", *FITS)),
    ),
    Case(
        model="gat",
        epochs=4,
        changed={"patience": 10**6},
        theirs=(*torch("pyg", "index"), *torch("dgl_graphs"), *tensorflow("spektral_graphs")),
    ),
    Case(model="char-mlp", epochs=1, theirs=MAKEMORE),
    Case(model="char-wavenet", epochs=1, changed={"steps_per_epoch": 500, "graph_steps": 500}, theirs=MAKEMORE),
    Case(
        model="mc-dropout",
        epochs=1,
        changed={"epochs_multiplier": 20},
        theirs=(*torch("torch_dropout", "source", "fused"), *tensorflow("keras_dropout", "fit", "epoch")),
    ),
    Case(
        model="ppo",
        epochs=1,
        theirs=(*torch("torch_ppo"), *torch("sb3_ppo"), *tensorflow("tf_ppo")),
    ),
    Case(
        model="nano-gpt",
        epochs=1,
        changed={"steps_per_epoch": 10, "eval_batches": 2},
        theirs=(*torch("torch_gpt", "source", "fused"), *tensorflow("keras_gpt", "fit", "epoch")),
    ),
    Case(
        model="fashion-cnn",
        epochs=1,
        samples={"train": 2500, "test": 1000},
        theirs=(*torch("torch_images", "source", "fused"), *tensorflow("keras_images", "fit", "epoch")),
    ),
    Case(
        model="sentence-cnn",
        epochs=1,
        samples={"train": 500, "test": 500},
        theirs=(*torch("torch_sentences", "image", "series"), *tensorflow("keras_sentences", "fit", "epoch")),
    ),
    Case(
        model="resnet50",
        epochs=1,
        samples={"train": 64, "test": 32},
        theirs=(*torch("torch_images", "source"), *tensorflow("keras_images", "fit")),
    ),
)
