"""Names that came from elsewhere.  Pure."""

from __future__ import annotations


def leads_down(path: str) -> bool:
    """Whether a relative path with ``/`` leads down, and is spelt in the one way that a path is."""
    parts = path.split("/")
    return all(part not in ("", ".", "..") for part in parts) and path.isprintable() and "\\" not in path


def printable(text: str, most: int = 300) -> str:
    """As one line that moves no cursor and sets no colour."""
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return shown if len(shown) <= most else f"{shown[:most]}…"
