"""Waiting for a condition, never for a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

GIVE_UP_S = 30.0
"""Only a test that fails waits this long."""


def until(condition: Callable[[], object], what: str, give_up_s: float = GIVE_UP_S) -> None:
    """Look again and again until the condition holds.

    Raises:
        AssertionError: it never did; ``what`` says what was waited for.
    """
    end_s = time.monotonic() + give_up_s
    while not condition():
        if time.monotonic() > end_s:
            raise AssertionError(f"never came true: {what}")
        time.sleep(0.02)


async def eventually(condition: Callable[[], object], what: str) -> None:
    """The same inside a running loop, which goes on meanwhile.

    Raises:
        AssertionError: it never came true; ``what`` says what was waited for.
    """
    try:
        async with asyncio.timeout(GIVE_UP_S):
            while not condition():  # noqa: ASYNC110 - what is waited for may be in another process
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"never came true: {what}") from None
