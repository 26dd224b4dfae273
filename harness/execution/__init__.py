"""Start a job from a snapshot of its code and follow it to its end."""

from harness.execution.clocks import Watch, look, occupied, slowed
from harness.execution.local import follow
from harness.execution.snapshot import take_snapshot

__all__ = ["Watch", "follow", "look", "occupied", "slowed", "take_snapshot"]
