"""A bench's own output is its table; what nodes inside it log is kept out of it."""

from __future__ import annotations

import logging

import structlog


def quiet() -> None:
    """Log errors only."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
