"""Errors that a user can mend: what, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterable


class HarnessError(Exception):
    """Shown to the user as ``message`` lines and a hint; ends the command with ``code``.

    Exit codes are those of DESIGN section 4: 2 the request is wrong, 3 a run could not be
    made, 75 another process holds the lock.
    """

    def __init__(self, *messages: str, hint: str = "", code: int = 2) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages
        self.hint = hint
        self.code = code


def nearest(word: str, known: Iterable[str]) -> str:
    """A phrase that helps somebody who mistyped a name."""
    import difflib

    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    listed = ", ".join(names) if names else "none"
    return f"did you mean {close[0]}? known: {listed}" if close else f"known: {listed}"
