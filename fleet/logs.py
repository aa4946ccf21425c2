"""Structured logs: events are short constant phrases, facts are fields.

On a terminal in colours, else one JSON object per line. The text of a message is never logged.
"""

from __future__ import annotations

import logging
import sys
from collections import deque
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from pathlib import Path

    from structlog.typing import EventDict

_FILE_BYTES = 8 * 1024 * 1024
_FILES_KEPT = 4
_LOGGER = "fleet"
_ERRORS_KEPT = 20
_DETAIL_LIMIT = 300
_TROUBLE = frozenset({"warning", "error", "exception", "critical"})


class Recent:
    """Keeps the newest warnings and errors, for whoever asks how the node does."""

    def __init__(self) -> None:
        self._kept: deque[dict[str, object]] = deque(maxlen=_ERRORS_KEPT)

    def __call__(self, _logger: object, method: str, event: EventDict) -> EventDict:
        """As one of structlog's processors: looks, and changes nothing."""
        if method in _TROUBLE:
            caught = sys.exception() if event.get("exc_info") else None
            kind = type(caught).__name__ if caught else ""
            self._kept.append(
                {
                    "at": event.get("timestamp", ""),
                    "level": event.get("level", method),
                    "event": event.get("event", ""),
                    "error": event.get("error", kind),
                    "detail": str(event.get("detail", ""))[:_DETAIL_LIMIT],
                }
            )
        return event

    def newest(self) -> list[dict[str, object]]:
        """What was kept, oldest first."""
        return list(self._kept)


RECENT = Recent()


def set_up(*, debug: bool, file: Path | None = None) -> None:
    """Send logs to standard error, or to a file that is rotated; ``debug`` adds every transition."""
    on_terminal = file is None and sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            RECENT,
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer() if on_terminal else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.DEBUG if debug else logging.INFO
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr)
        if file is None
        else _FileLogger(file),
        cache_logger_on_first_use=False,
    )


class _FileLogger:
    """Hands out one stdlib logger, whose handler knows how to rotate; lines arrive rendered."""

    def __init__(self, file: Path) -> None:
        handler = RotatingFileHandler(file, maxBytes=_FILE_BYTES, backupCount=_FILES_KEPT)
        handler.setFormatter(logging.Formatter("%(message)s"))
        self._logger = logging.getLogger(_LOGGER)
        self._logger.propagate = False
        self._logger.setLevel(logging.DEBUG)
        self._logger.handlers = [handler]

    def __call__(self, *_names: object) -> logging.Logger:
        return self._logger
