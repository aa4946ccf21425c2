"""A log line is an event and its fields: JSON in a file that is rotated, colours on a terminal."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path

import pytest
import structlog

from fleet.logs import RECENT, set_up


@pytest.fixture(autouse=True)
def _put_back() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logger = logging.getLogger("fleet")
    for handler in [*logger.handlers]:
        logger.removeHandler(handler)
        handler.close()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_line_is_one_json_object_with_event_level_and_time():
    stderr = io.StringIO()
    with redirect_stderr(stderr):
        set_up(debug=False)
        structlog.contextvars.bind_contextvars(peer="nova")
        structlog.get_logger().info("envelope typed", envelope="01J", attempts=2, text="a\nb é")
    (line,) = lines(stderr.getvalue())
    assert str(line.pop("timestamp")).endswith("Z")
    assert line == {
        "event": "envelope typed",
        "level": "info",
        "envelope": "01J",
        "attempts": 2,
        "peer": "nova",
        "text": "a\nb é",
    }


def test_transitions_are_logged_only_for_who_looks_for_faults():
    for debug, events in ((False, ["info"]), (True, ["debug", "info"])):
        stderr = io.StringIO()
        with redirect_stderr(stderr):
            set_up(debug=debug)
            structlog.get_logger().debug("debug")
            structlog.get_logger().info("info")
        assert [line["event"] for line in lines(stderr.getvalue())] == events


def test_a_terminal_gets_colours_and_a_file_never():
    terminal = Terminal()
    with redirect_stderr(terminal):
        set_up(debug=False)
        structlog.get_logger().info("node up", listen="127.0.0.1:7717")
    shown = terminal.getvalue()
    assert "\x1b[" in shown
    assert "node up" in shown
    assert not shown.startswith("{")


def test_a_file_gets_every_line_rendered_once_and_the_terminal_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    terminal = Terminal()
    path = tmp_path / "node.log"
    with redirect_stderr(terminal):
        set_up(debug=True, file=path)
        log = structlog.get_logger()
        log.debug("100 % of %s", done=True)
        try:
            int("a\nb")
        except ValueError:
            log.exception("delivery failed")
    first, second = lines(path.read_text())
    assert (first["event"], first["level"]) == ("100 % of %s", "debug")
    assert second["level"] == "error"
    assert "ValueError: invalid literal" in str(second["exception"])
    assert terminal.getvalue() == ""
    assert caplog.records == [], "the root logger might print it once more"


def test_a_file_is_rotated_and_the_oldest_goes(tmp_path: Path):
    set_up(debug=False, file=tmp_path / "node.log")
    for number in range(100):
        structlog.get_logger().info("much", number=number, filler="x" * 900_000)
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == ["node.log", "node.log.1", "node.log.2", "node.log.3", "node.log.4"]
    assert all(path.stat().st_size <= 8 * 1024 * 1024 for path in tmp_path.iterdir())
    assert lines((tmp_path / "node.log").read_text())[-1]["number"] == 99


def test_the_newest_warnings_and_errors_are_kept_for_whoever_asks_and_what_is_fine_is_not():
    with redirect_stderr(io.StringIO()):
        set_up(debug=True)
        log = structlog.get_logger()
        for number in range(25):
            log.info("node up", number=number)
            log.warning("mdns in trouble", detail=f"number {number}")
        try:
            int("what was said")
        except ValueError:
            log.exception("call failed")
    kept = RECENT.newest()
    assert len(kept) == 20
    assert {one["event"] for one in kept} == {"mdns in trouble", "call failed"}
    assert kept[-2]["detail"] == "number 24"
    assert kept[-1]["level"] == "error"
    assert (kept[-1]["error"], kept[-1]["detail"]) == ("ValueError", ""), (
        "what it said may be a text"
    )
    assert str(kept[-1]["at"]).endswith("Z")
