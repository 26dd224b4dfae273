"""Throttling and clocks, from a tree of files as /sys has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.execution.clocks import Clocks, Gpu, Watch, look, occupied, reasons, slowed


@pytest.fixture
def cpus(tmp_path: Path) -> Path:
    """Two cores, as on a machine of Intel's; what is no core lies beside them there."""
    for core, mhz in ((0, 3000), (1, 2000)):
        for name, value in (
            ("thermal_throttle/core_throttle_count", 5),
            ("thermal_throttle/package_throttle_count", 7),
            ("thermal_throttle/core_throttle_max_time_ms", 90),
            ("cpufreq/scaling_cur_freq", 1000 * mhz),
        ):
            path = tmp_path / f"cpu{core}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{value}\n")
    (tmp_path / "cpuidle").mkdir()
    return tmp_path


def heat(cpus: Path, count: int) -> None:
    (cpus / "cpu1" / "thermal_throttle" / "core_throttle_count").write_text(f"{count}\n")


def test_counters_and_frequencies_of_every_core_are_read(cpus: Path) -> None:
    found = look(cpus)
    assert found.throttled == {
        f"cpu{core}/thermal_throttle/{name}_throttle_count": count
        for core in (0, 1)
        for name, count in (("core", 5), ("package", 7))
    }
    assert found.mhz == (3000.0, 2000.0)


def test_only_a_counter_that_grows_is_throttling(cpus: Path) -> None:
    before = look(cpus)
    assert slowed(before, look(cpus)) == ""
    heat(cpus, 6)
    assert slowed(before, look(cpus)) == "the processor was throttled by heat"


def test_a_machine_that_tells_nothing_is_not_watched(tmp_path: Path) -> None:
    with Watch(lambda: look(tmp_path), every_seconds=0.001) as watch:
        pass
    assert watch.told() == {}


def test_files_that_cannot_be_read_are_not_there(cpus: Path) -> None:
    heat(cpus, 0)
    (cpus / "cpu1" / "thermal_throttle" / "core_throttle_count").write_text("")
    (cpus / "cpu0" / "cpufreq" / "scaling_cur_freq").unlink()
    (cpus / "cpu0" / "cpufreq" / "scaling_cur_freq").mkdir()
    found = look(cpus)
    assert len(found.throttled) == 3
    assert found.mhz == (2000.0,)


def test_a_watch_tells_the_share_of_throttled_looks_and_the_clocks(cpus: Path) -> None:
    counts = iter([5, 5, 6, 6, 9])

    def looks() -> Clocks:
        heat(cpus, next(counts, 9))
        return look(cpus)

    watch = Watch(looks, every_seconds=1000)
    watch._seen += [looks() for _ in range(4)]
    assert watch.told() == {"throttled_share": 0.5, "cpu_mhz": 2500.0}


def test_a_watch_sees_what_happens_until_its_end(cpus: Path) -> None:
    with Watch(lambda: look(cpus), every_seconds=1000) as watch:
        heat(cpus, 8)
    assert watch.told()["throttled_share"] == 1.0


def test_frequencies_alone_hold_nobody_to_a_share(tmp_path: Path) -> None:
    path = tmp_path / "cpu0" / "cpufreq" / "scaling_cur_freq"
    path.parent.mkdir(parents=True)
    path.write_text("1500000\n")
    with Watch(lambda: look(tmp_path), every_seconds=1000) as watch:
        pass
    assert watch.told() == {"cpu_mhz": 1500.0}


def test_a_gpu_s_reasons_are_those_against_its_will() -> None:
    assert reasons(0x1 | 0x4) == ()  # idle; at its power cap, where a busy GPU always is
    assert reasons(0x40 | 0x80) == ("heat (hardware)", "power brake")
    hot = Clocks(gpus=(Gpu(name="GPU 0", mhz=900, slowed_by=reasons(0x40)), Gpu(name="GPU 1", mhz=1900, processes=2)))
    assert slowed(hot, hot) == "GPU 0 is slowed by heat (hardware)"
    assert occupied(hot) == "2 process(es) compute on GPU 1"
    watch = Watch(lambda: hot, every_seconds=1000)
    watch._seen.append(hot)
    assert watch.told() == {"throttled_share": 1.0, "gpu_mhz": 1400}
