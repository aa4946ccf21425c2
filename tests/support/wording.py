"""Sentences compared whole, but for the pieces that are another library's words."""

from __future__ import annotations

import re


def says(sentence: str, pattern: str) -> bool:
    """Whether a sentence is the pattern; ``…`` in it stands for anything."""
    return (
        re.fullmatch(".*".join(map(re.escape, pattern.split("…"))), sentence, re.DOTALL) is not None
    )
