"""Structured logs: events are short constant phrases, facts are fields.

On a terminal in colours, else one JSON object per line. The text of a message is never logged.
"""

from __future__ import annotations

import logging
import sys

import structlog


def set_up(*, debug: bool) -> None:
    """Send logs to standard error; ``debug`` adds every transition."""
    last = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.DEBUG if debug else logging.INFO
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
