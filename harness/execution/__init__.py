"""Start a job from a snapshot of its code and follow it to its end."""

from harness.execution.clocks import Watch, look, occupied, slowed
from harness.execution.local import follow, kill_workers
from harness.execution.repository import Repository, repository_of
from harness.execution.snapshot import changed_since, copy_snapshot, digest_today, take_snapshot

__all__ = [
    "Repository",
    "Watch",
    "changed_since",
    "copy_snapshot",
    "digest_today",
    "follow",
    "kill_workers",
    "look",
    "occupied",
    "repository_of",
    "slowed",
    "take_snapshot",
]
