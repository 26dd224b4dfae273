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
    kind: Literal["digits", "ucr", "idx", "image-folder", "planetoid", "names", "text"]
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


_PLANETOID = "https://raw.githubusercontent.com/kimiyoung/planetoid/af6abf468a772cc055bec88c52e4d6f51b7c37e3/data/"


def _planetoid(name: str, title: str, *, classes: int, size_bytes: int, digests: dict[str, str]) -> Description:
    return Description(
        name=name,
        title=title,
        size_bytes=size_bytes,
        licence="none stated for the data (Sen et al. 2008: cite it); the repository is MIT",
        source="kimiyoung/planetoid at af6abf46, with its split: 20 nodes of each class train, the next 500 "
        "validate, 1,000 test",
        url="https://github.com/kimiyoung/planetoid",
        kind="planetoid",
        classes=classes,
        files=tuple(
            SourceFile(name=f"ind.{name}.{part}", sha256=sha256, url=f"{_PLANETOID}ind.{name}.{part}")
            for part, sha256 in digests.items()
        ),
        folder="planetoid",
    )


_SETS = {
    item.name: item
    for item in (
        _planetoid(
            "citeseer",
            "Citeseer: 3,327 publications, their words and citations",
            classes=6,
            size_bytes=1_036_188,
            digests={
                "x": "d20de19150741e555de0ed037195630fc194114ebc7fd72ced62810148aa22f6",
                "y": "8ba87e515d8e3ee3cf52f6d2c5b86aa73f11ecad825a808455209ec26cd54924",
                "tx": "539a8906a2da97628d212f2fdd668c109a8b3f0d36574b59e5d3fd5b5303da21",
                "ty": "55e5bd1ba1e733a04598753ad1a8d57957f4b8f89e74519f41f4f4938767e4ce",
                "allx": "2ac30345d95c9ec933a817ee0bdd6a5f077f8c184a20e696910192d534414668",
                "ally": "f704b2d986dde6c2669934de1f3ae5696a6cf9455c0f6b2646a2d135ea0a1c95",
                "graph": "d79a4ef9d3e7169aee8946145f6b7306e35bc79bffad26346cfb94e10e9912a7",
                "test.index": "2af990671580b6b2df5d158d1038f8292e30c9cd821b5453f399659b25b723d4",
            },
        ),
        _planetoid(
            "cora",
            "Cora: 2,708 publications, their words and citations",
            classes=7,
            size_bytes=572_444,
            digests={
                "x": "23cfa55d91c6f624233f5eb7b6e3f141f1bd2b2ae39608a63cf5d084bb27baab",
                "y": "94465c14eb53e04ca262198dcbb2521ee8af60fb3f3d546cd6ca24a511b0e7d1",
                "tx": "b9afbaa4a400df991f6f02ef677e1e44da55ffc04801fd02f9e673987829226a",
                "ty": "41f5ac76596a1699cc33f53084a2419e92961c42bb75f36fc38e616d348532ad",
                "allx": "9419ba2f26f5c35243db64aba110e0f35a04851609e0dc5433450676ca6b8543",
                "ally": "2b998f5cc7fedc86e7f97ca2498f47a1ffc1462c29e2d578b23bf3f62b6e7d71",
                "graph": "58f13302f39dde8852dad6fe6d15b89b077b6d7f837626bce671ef80344b383d",
                "test.index": "297ce89af2b51a6a194181c7dbe1796c6a1cf9cd9349a88383b1b1e227867875",
            },
        ),
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
        Description(
            name="names",
            title="32,033 first names, letter by letter",
            size_bytes=228_145,
            licence="MIT (the repository; the names are from ssa.gov)",
            source="karpathy/makemore@988aa59e4d8fefa526d06f3b453ad116258398d4:names.txt; shuffled and split as in "
            "karpathy/nn-zero-to-hero, makemore parts 3 and 5",
            url="https://github.com/karpathy/makemore",
            kind="names",
            classes=27,
            files=(
                SourceFile(
                    name="names.txt",
                    sha256="0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d",
                    url="https://raw.githubusercontent.com/karpathy/makemore/"
                    "988aa59e4d8fefa526d06f3b453ad116258398d4/names.txt",
                ),
            ),
            folder="makemore",
        ),
        Description(
            name="tinyshakespeare",
            title="A million characters of Shakespeare",
            size_bytes=1_115_394,
            licence="none stated; Shakespeare is in the public domain",
            source="karpathy/char-rnn, data/tinyshakespeare/input.txt; cut as in karpathy/nanoGPT, shakespeare_char",
            url="https://github.com/karpathy/char-rnn",
            kind="text",
            classes=65,
            files=(
                SourceFile(
                    name="input.txt",
                    sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
                    url="https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
                ),
            ),
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
