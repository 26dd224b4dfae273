"""Sentences into word numbers, as preprocess.py of harvardnlp/sent-conv-torch does it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy
from numpy.typing import NDArray

PADDING = 0  # the source counts from one
RIM = 4  # paddings before each sentence and, at least, behind it: a filter of five words sees each word at each place

_CLEAN = tuple(
    (re.compile(pattern), by)
    for pattern, by in (
        (r"[^A-Za-z0-9(),!?'`]", " "),
        (r"'s", " 's"),
        (r"'ve", " 've"),
        (r"n't", " n't"),
        (r"'re", " 're"),
        (r"'d", " 'd"),
        (r"'ll", " 'll"),
        (r",", " , "),
        (r"!", " ! "),
        (r"\(", " ( "),
        (r"\)", " ) "),
        (r"\?", " ? "),
        (r"\s{2,}", " "),
    )
)


def read_sentences(sources: Mapping[str, bytes]) -> dict[str, tuple[NDArray[numpy.int32], NDArray[numpy.int64]]]:
    """x int32 [sentences, words of the longest + 8] and y for each split; 0 is padding, words count from 1.

    Files that end in ".all" have the label before each sentence, and "test" in the name of those that
    test; of other files each holds a class, in the order given.  One numbering for all files.
    """
    found: dict[str, list[tuple[int, list[str]]]] = {}
    for place, (name, content) in enumerate(sources.items()):
        split = "test" if ".test." in name else "train"
        found.setdefault(split, []).extend(_labelled(content, None if name.endswith(".all") else place))
    every = [words for sentences in found.values() for _, words in sentences]
    vocabulary = dict.fromkeys(word for words in every for word in words)
    numbers = {word: number for number, word in enumerate(vocabulary, PADDING + 1)}
    length = RIM + max(map(len, every)) + RIM
    return {split: _numbered(sentences, numbers, length) for split, sentences in found.items()}


def tokens(text: str) -> list[str]:
    """Lower-case words and punctuation marks; "doesn't" is "does" and "n't"."""
    for pattern, by in _CLEAN:
        text = pattern.sub(by, text)
    return text.lower().split()


def _labelled(content: bytes, label: int | None) -> Iterator[tuple[int, list[str]]]:
    """(label, words) of each line; a line's first word is its label where none is given."""
    for line in filter(None, content.decode("latin-1").split("\n")):
        words = tokens(line)
        yield (int(words[0]), words[1:]) if label is None else (label, words)


def _numbered(
    sentences: list[tuple[int, list[str]]], numbers: Mapping[str, int], length: int
) -> tuple[NDArray[numpy.int32], NDArray[numpy.int64]]:
    x = numpy.full((len(sentences), length), PADDING, numpy.int32)
    for row, (_, words) in zip(x, sentences, strict=True):
        row[RIM : RIM + len(words)] = [numbers[word] for word in words]
    return x, numpy.array([label for label, _ in sentences], numpy.int64)
