"""The text of a message: an argument, a file, or what is piped in. Byte for byte, or an error.

A mistake is found here, before the node is asked, so that nothing is half done.
"""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fleet.cli.command import Invocation, Parser

LIMIT_BYTES = 256 * 1024
"""``TEXT_LIMIT_BYTES`` of ``fleet/core/envelope.py``, which costs too much to import; a test
compares."""
_STDIN = 0


def text_arguments(parser: Parser) -> None:
    """``[TEXT] [-f FILE]``."""
    parser.add_argument("text", metavar="TEXT", nargs="?", help="the text, as one argument")
    parser.add_argument(
        "-f", "--file", metavar="FILE", help="read the text from a file; - is standard input"
    )


def text_of(call: Invocation) -> str:
    """The text that was given.

    Raises:
        FleetError: a file that cannot be read, bytes that are not UTF-8, too much, or nothing.
        UsageError: two texts.
    """
    text: str | None = call.given.text
    file: str | None = call.given.file
    if text is not None and file is not None:
        raise call.usage("a text and -f exclude each other")
    if text is None:
        text = _decoded(*_read(call, file))
    else:
        _check_argument(text)
    if not text or text.isspace():
        from fleet.core.errors.requests import EmptyText

        raise EmptyText
    return text


def _check_argument(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        from fleet.core.errors.requests import UndecodableText

        raise UndecodableText("the text", len(text[: error.start].encode())) from None


def _read(call: Invocation, file: str | None) -> tuple[bytes, str]:
    if file in {None, "-"}:
        if os.isatty(_STDIN):
            if file is None:
                from fleet.core.errors.requests import EmptyText

                raise EmptyText
            call.terminal.note("type the text; Ctrl-D on a line of its own ends it")
        return _whole(_STDIN, "standard input"), "standard input"
    assert file is not None  # noqa: S101 - for the type checkers
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(file, error) from None
    try:
        return _whole(descriptor, file), file
    finally:
        os.close(descriptor)


def _whole(descriptor: int, source: str) -> bytes:
    """Everything, as long as it is not over the limit."""
    pieces: list[bytes] = []
    left = LIMIT_BYTES + 1
    try:
        while left and (piece := os.read(descriptor, left)):
            pieces.append(piece)
            left -= len(piece)
    except OSError as error:
        raise _unreadable(source, error) from None
    if not left:
        raise _too_large(descriptor)
    return b"".join(pieces)


def _too_large(descriptor: int) -> Exception:
    from fleet.core.errors.requests import TooLarge

    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode):
        return TooLarge(found.st_size, LIMIT_BYTES)
    known = TooLarge(LIMIT_BYTES + 1, LIMIT_BYTES)
    return TooLarge.rebuilt(
        f"the text is over {LIMIT_BYTES} bytes, which is the most that can be sent",
        known.hint, known.layer, (),
    )  # fmt: skip


def _decoded(read: bytes, source: str) -> str:
    try:
        return read.decode()
    except UnicodeDecodeError as error:
        from fleet.core.errors.requests import UndecodableText

        raise UndecodableText(source, error.start) from None


def _unreadable(source: str, error: OSError) -> Exception:
    from fleet.core.errors.requests import MalformedRequest

    match error:
        case FileNotFoundError():
            hint = "the path is seen from the folder the command runs in"
        case IsADirectoryError():
            hint = "a message is one text: name a file in it, or send the folder's path as the text"
        case PermissionError():
            hint = f"ls -l {source} shows who may read it"
        case _:
            hint = ""
    return MalformedRequest(f"{source} cannot be read: {error.strerror}", hint=hint)
