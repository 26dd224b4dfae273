"""The sentences of Kim 2014: known counts, words cut as the source cuts them, changed files refused."""

from __future__ import annotations

import os
from pathlib import Path

import numpy
import pytest

from harness.core.errors import HarnessError
from harness.datasets.sentences import read_sentences, tokens
from tests.datasets.test_prepare import prepare

ROOTS = [Path(root) for root in os.environ.get("HARNESS_DATA_DIR", "").split(os.pathsep) if root]
needs_files = pytest.mark.skipif(
    not any((root / "sentence_cnn").is_dir() for root in ROOTS), reason="no sentence_cnn/ under HARNESS_DATA_DIR"
)
TREC_TEST = [138, 94, 9, 65, 81, 113]


@needs_files
@pytest.mark.parametrize(
    ("name", "counts", "longest", "words"),
    [
        ("sentence-cr", [1368, 2407], 105, 5339),
        ("sentence-mpqa", [7294, 3312], 36, 6246),
        ("sentence-mr", [5331, 5331], 56, 18765),
        ("sentence-subj", [5000, 5000], 120, 21322),
        ("sentence-trec", [1162, 1250, 86, 1223, 835, 896], 37, 8764),
    ],
)
def test_a_set_has_its_known_counts(tmp_path: Path, name: str, counts: list[int], longest: int, words: int) -> None:
    prepared = prepare(name, tmp_path, *ROOTS)
    splits = prepared.manifest["splits"]
    assert list(splits["train"]["counts"].values()) == counts
    assert set(splits) == ({"train", "test"} if name == "sentence-trec" else {"train"})
    if "test" in splits:
        assert list(splits["test"]["counts"].values()) == TREC_TEST
    x = numpy.concatenate([numpy.load(prepared.path / f"{split}_x.npy") for split in splits])
    assert prepared.manifest["sample_shape"] == [longest + 8]
    assert len(numpy.unique(x)) == x.max() + 1 == words + 1
    assert not x[:, :4].any()
    assert not x[:, -4:].any()
    assert prepare(name, tmp_path, *ROOTS, verify=True).manifest == prepared.manifest


def test_words_are_cut_as_the_source_cuts_them() -> None:
    cut = " ".join(tokens("It doesn't (really) matter; I've seen Bob's 3-D film!"))
    assert cut == "it does n't ( really ) matter i 've seen bob 's 3 d film !"
    assert tokens("caf\xe9 `quoted'") == ["caf", "`quoted'"]


def test_labels_come_from_the_line_or_from_the_file() -> None:
    labelled = read_sentences({"x.train.all": b"1 a b\n0 b c d\n", "x.test.all": b"1 e\n0\n"})
    x, y = labelled["train"]
    assert (x[:, 4:-4].tolist(), y.tolist()) == ([[1, 2, 0], [2, 3, 4]], [1, 0])
    x, y = labelled["test"]
    assert (x[:, 4:-4].tolist(), y.tolist()) == ([[5, 0, 0], [0, 0, 0]], [1, 0])
    x, y = read_sentences({"x.neg": b"a b\n", "x.pos": b"b\na\n"})["train"]
    assert (x[:, 4:-4].tolist(), y.tolist()) == ([[1, 2], [2, 0], [1, 0]], [0, 1, 1])


@needs_files
def test_a_changed_sentence_is_refused(tmp_path: Path) -> None:
    source = next(root / "sentence_cnn" for root in ROOTS if (root / "sentence_cnn").is_dir()) / "custrev.all"
    changed = tmp_path / "root" / "sentence_cnn" / "custrev.all"
    changed.parent.mkdir(parents=True)
    changed.write_bytes(source.read_bytes().replace(b"dvd", b"DVD", 1))
    with pytest.raises(HarnessError, match=r"custrev\.all: expected sha256 a3839a79"):
        prepare("sentence-cr", tmp_path / "cache", tmp_path / "root")
