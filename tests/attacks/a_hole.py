"""A reader that is wrong behind four letters, for the fuzzer to find."""

from fleet.core.errors.requests import MalformedRequest


def read(data: bytes) -> None:
    """Each letter that is right is one more line."""
    if data[:1] != b"F":
        raise MalformedRequest("F")
    if data[1:2] != b"L":
        raise MalformedRequest("L")
    if data[2:3] != b"E":
        raise MalformedRequest("E")
    if data[3:4] != b"E":
        raise MalformedRequest("E")
    raise ZeroDivisionError
