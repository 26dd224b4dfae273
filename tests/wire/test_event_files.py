"""TensorBoard's event files, as the real libraries wrote them: read to the bit, and never read when spoilt."""

from __future__ import annotations

import io
import math
from pathlib import Path

import pytest

from harness.wire.event_files import Scalar, read_scalars, write_scalars
from harness.wire.tfrecord import crc32c

LOGGED = Path(__file__).parent.parent / "worker" / "logged"
STEPS = [(0, 0.5), (100, 0.6), (200, 0.7), (300, 0.8), (400, 0.9)]


def scalars(folder: str) -> list[Scalar]:
    [path] = (LOGGED / folder).glob("events.out.tfevents*")
    with path.open("rb") as file:
        return list(read_scalars(file))


def curve(folder: str, tag: str) -> list[tuple[int, float]]:
    return [(each.step, each.value) for each in scalars(folder) if each.tag == tag]


@pytest.mark.parametrize("folder", ["torch", "tbx", "tf"])
def test_scalars_of_every_writer_are_read(folder: str) -> None:
    found = curve(folder, "val/acc")
    assert [step for step, _ in found] == [step for step, _ in STEPS]
    assert [value for _, value in found] == pytest.approx([value for _, value in STEPS], abs=1e-7)


def test_tensors_and_negative_steps_are_read_and_what_is_no_scalar_is_not() -> None:
    assert curve("torch", "new_style") == [(step, 2.0 * step) for step in range(5)]
    assert curve("torch", "double") == [(step, step / 3) for step in range(5)]
    assert curve("torch", "negative") == [(-1, -2.5)]
    assert {each.tag for each in scalars("torch")} == {"val/acc", "loss", "new_style", "double", "negative"}
    assert {each.tag for each in scalars("tf")} == {"val/acc"}  # a histogram, a text and an image are there too
    assert {each.tag for each in scalars("keras/train")} == {"epoch_loss", "epoch_mae", "epoch_learning_rate"}


def test_a_spoilt_byte_and_a_cut_end_are_errors() -> None:
    [path] = (LOGGED / "tf").glob("events*")
    content = path.read_bytes()
    for place in range(0, len(content), 11):
        spoilt = bytearray(content)
        spoilt[place] ^= 0x10
        with pytest.raises(ValueError, match=r"damaged|within a record"):
            list(read_scalars(io.BytesIO(bytes(spoilt))))
    whole = {len(content) - len(rest) for rest in _rests(content)}
    for end in sorted(set(range(1, len(content), 11)) - whole):
        with pytest.raises(ValueError, match="within a record"):
            list(read_scalars(io.BytesIO(content[:end])))


def _rests(content: bytes) -> list[bytes]:
    found = []
    while content:
        content = content[16 + int.from_bytes(content[:8], "little") :]
        found.append(content)
    return found


def test_what_is_no_event_file_is_an_error() -> None:
    with pytest.raises(ValueError, match="damaged"):
        list(read_scalars(io.BytesIO(b'{"loss": 1}\n' * 9)))
    framed = write_scalars([], started=0.0).replace(b"brain.Event:2", b"brain.Event:3")
    assert framed  # its checksum is no longer right, so that it is told as damaged
    with pytest.raises(ValueError, match="damaged"):
        list(read_scalars(io.BytesIO(framed)))


def test_what_is_written_is_read_again() -> None:
    wanted = [Scalar("a/b", -3, 0.5, 17.25), Scalar("ü", 2**40, -math.inf, 18.0), Scalar("a/b", 0, 0.0, 0.0)]
    assert list(read_scalars(io.BytesIO(write_scalars(wanted, started=1.0)))) == wanted


def test_reading_goes_on_where_an_earlier_run_ended() -> None:
    first = write_scalars([Scalar("a", 0, 1.0, 1.0)], started=1.0)
    second = write_scalars([Scalar("a", 1, 2.0, 2.0)], started=1.0)
    assert [each.value for each in read_scalars(io.BytesIO(first + second), len(first))] == [2.0]


def test_the_checksum_is_that_of_the_standard() -> None:
    """RFC 3720, appendix B.4: 32 bytes of zeros have the CRC-32C 0x8a9136aa."""
    assert crc32c(bytes(32)) == 0x8A9136AA
