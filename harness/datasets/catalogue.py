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
    kind: Literal["digits", "ucr", "idx", "image-folder"]
    classes: int
    wheel: str = ""  # requirement of the package that carries the files
    files: tuple[SourceFile, ...] = ()
    folder: str = ""  # under a data root; the set's name unless given
    folders: tuple[str, ...] = field(default=())  # where a system package puts them


def _ucr(name: str, title: str, train: str, test: str, size_bytes: int, classes: int = 2) -> Description:
    folder = f"aeon/datasets/data/{name}/{name}"
    return Description(
        name=title,
        title=f"UCR archive, {name}",
        size_bytes=size_bytes,
        licence="none stated; the UCR archive asks for citation (aeon: BSD-3-Clause)",
        source="aeon 1.6.0, files bundled in its wheel; values as they are, not normalised again",
        url="https://www.timeseriesclassification.com/description.php?Dataset=" + name,
        kind="ucr",
        classes=classes,
        wheel="aeon==1.6.0",
        files=(
            SourceFile(name=f"{folder}_TRAIN.ts", sha256=train),
            SourceFile(name=f"{folder}_TEST.ts", sha256=test),
        ),
    )


_BASELINE = "https://raw.githubusercontent.com/cauchyturing/UCR_Time_Series_Classification_Deep_Learning_Baseline/"
_ADIAC = _BASELINE + "3ecc8971fa768bd01ada7f3a613688255e6256c2/Adiac/"

_FASHION = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"


def _idx(name: str, sha256: str) -> SourceFile:
    return SourceFile(name=name, sha256=sha256, url=f"{_FASHION}{name}.gz")


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
        _ucr(
            "ArrowHead",
            "ucr-arrowhead",
            "a83c470aaf611a5f5284377cce27a5fc9f6292bc3d110257b0fd4905ced5ee72",
            "5417dab42626d41df5e435bb22458c2df40dfad4bcd3b59559bbe72e20e84904",
            590_000,
            classes=3,
        ),
        _ucr(
            "OSULeaf",
            "ucr-osuleaf",
            "86b9d6e860414ffd26cebc62fff84ffb37fa588ef3e5bf79e4094a437c36ddfc",
            "6c549dd354f9e42d5985fa5fab75321ca9acefc7873457e71467fc8a31f107ce",
            2_110_000,
            classes=6,
        ),
        Description(
            name="ucr-adiac",
            title="UCR archive, Adiac",
            size_bytes=1_106_009,
            licence="none stated; the UCR archive asks for citation (the repository is MIT)",
            source="cauchyturing/UCR_Time_Series_Classification_Deep_Learning_Baseline at 3ecc8971, files of the 2015 "
            "archive; values as they are, not normalised again",
            url="https://www.timeseriesclassification.com/description.php?Dataset=Adiac",
            kind="ucr",
            classes=37,
            files=(
                SourceFile(
                    name="Adiac_TRAIN",
                    sha256="afc3729e07b0e5dd315a8a8ff3fcbf85e4ea74570a972a352af7ae505d23a77d",
                    url=_ADIAC + "Adiac_TRAIN",
                ),
                SourceFile(
                    name="Adiac_TEST",
                    sha256="0c97c9fcd597b65393d5d4a2d4b67479d2727c36635b74286a482a70af5d7690",
                    url=_ADIAC + "Adiac_TEST",
                ),
            ),
            folder="ucr_adiac",
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
