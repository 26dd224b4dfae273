"""The machine as found, from what Linux says of processors."""

from __future__ import annotations

import pytest

from harness.wire import machine

TURIN = """\
processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 26
model\t\t: 2
model name\t: AMD EPYC
microcode\t: 0x1000065
flags\t\t: fpu sse sse2 sse4_2 sse4_1 avx f16c avx2 avx512f rdrand avx512_vnni

processor\t: 1
cpu family\t: 99
"""
GRACE = """\
processor\t: 0
Features\t: fp asimd aes sve sve2
CPU implementer\t: 0x41
CPU part\t: 0xd4f
"""
EXPECTED = {
    TURIN: ("AMD EPYC", "family 26 model 2", "avx avx2 avx512_vnni avx512f f16c sse4_1 sse4_2"),
    GRACE: (None, "implementer 0x41 part 0xd4f", "asimd sve sve2"),
    "": (None, None, None),
}


@pytest.mark.parametrize("cpuinfo", EXPECTED, ids=["x86", "Arm", "not Linux"])
def test_processors_of_one_name_are_told_apart(cpuinfo: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_read", lambda path: cpuinfo if path == "/proc/cpuinfo" else "")
    found = machine.find_machine()
    name, model, vectors = EXPECTED[cpuinfo]
    assert (found["cpu_model"], found["vector_instructions"]) == (model, vectors)
    assert found["cpu"] == name or name is None
