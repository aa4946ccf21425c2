"""A team's log and its commands as JSON: how they are kept, and how they travel.

One entry is ``{"seq", "at", "by", "key", "kind", "event"}``, a command a verb and an object. What is
read is checked against the value it stands for, field by field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar, get_args

import msgspec

from fleet.core.errors.nodes import UnknownCall, VersionMismatch
from fleet.core.errors.requests import MalformedRequest
from fleet.core.memory_commands import MEMORY_COMMANDS, MemoryCommand, Remembered
from fleet.core.memory_events import MemoryEvent
from fleet.core.offers import OfferEvent
from fleet.core.task import TaskEvent
from fleet.core.team_commands import COMMANDS, Done, TaskCommand
from fleet.core.team_events import Event, Happened, TeamEvent
from fleet.core.team_invitation import Asked, check_asked

T = TypeVar("T")


def kind_of(event: type[Event]) -> str:
    """How a kind of event is called in the log: ``task_claimed``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", event.__name__).lower()


KINDS: Mapping[str, type[Event]] = MappingProxyType(
    {
        kind_of(one): one
        for one in (
            *get_args(TeamEvent),
            *get_args(TaskEvent),
            *get_args(MemoryEvent),
            *get_args(OfferEvent),
        )
    }
)


class _Entry(msgspec.Struct):
    seq: int
    at: float
    by: str
    key: str
    kind: str
    event: msgspec.Raw


_encoder = msgspec.json.Encoder()
_NONSENSE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""How msgspec says no: also that it is nested too deeply."""
_entries = msgspec.json.Decoder(_Entry)
_events: Mapping[str, msgspec.json.Decoder[Event]] = MappingProxyType(
    {kind: msgspec.json.Decoder(event) for kind, event in KINDS.items()}
)


def entry_to_json(happened: Happened) -> bytes:
    """One entry of a log."""
    event = msgspec.Raw(_encoder.encode(happened.event))
    kind = kind_of(type(happened.event))
    return _encoder.encode(
        _Entry(happened.seq, happened.at_s, happened.by, happened.key, kind, event)
    )


def entry_from_json(body: bytes) -> Happened:
    """The same, read.

    Raises:
        MalformedRequest: it is no entry.
        VersionMismatch: it is of a kind that only a newer fleet knows.
    """
    try:
        entry = _entries.decode(body)
        decoder = _events.get(entry.kind)
        if decoder is None:
            raise VersionMismatch(
                f"the team's log tells of {entry.kind[:40]!r}, which is not known here",
                hint="install the same version of fleet as on the team's home node",
            )
        return Happened(entry.seq, entry.at, entry.by, entry.key, decoder.decode(entry.event))
    except _NONSENSE as error:
        raise MalformedRequest(f"an entry of a team's log makes no sense: {error}") from None


def verb_of(command: TaskCommand | MemoryCommand) -> str:
    """What a command is called."""
    known = (*COMMANDS.items(), *MEMORY_COMMANDS.items())
    return next(verb for verb, kind in known if kind is type(command))


def command_to_json(command: TaskCommand | MemoryCommand) -> bytes:
    """What is said of a command beside its verb."""
    return _encoder.encode(command)


def command_from_json(verb: str, arguments: bytes) -> TaskCommand:
    """The same, read.

    Raises:
        UnknownCall: there is no such command.
        MalformedRequest: its arguments make no sense; says which.
    """
    kind = COMMANDS.get(verb)
    if kind is None:
        raise UnknownCall(f"task.{verb}")
    return _read(arguments, kind, f"task {verb}")


def memory_command_from_json(verb: str, arguments: bytes) -> MemoryCommand:
    """A command to the memory, read.

    Raises:
        UnknownCall: there is no such command.
        MalformedRequest: its arguments make no sense; says which.
    """
    kind = MEMORY_COMMANDS.get(verb)
    if kind is None:
        raise UnknownCall(verb)
    return _read(arguments, kind, verb)


def done_to_json(done: Done) -> bytes:
    """What came of a command."""
    return _encoder.encode(done)


def done_from_json(result: bytes) -> Done:
    """The same, read.

    Raises:
        MalformedRequest: it makes no sense.
    """
    return _read(result, Done, "task answer")


def said_to_json(said: object) -> bytes:
    """What a home and a node of its team say to each other beside commands, about a member for one."""
    return _encoder.encode(said)


def said_from_json(said: bytes, form: type[T]) -> T:
    """The same, read.

    Raises:
        MalformedRequest: it makes no sense.
    """
    return _read(said, form, "word between nodes of a team")


def asked_to_json(asked: Asked) -> bytes:
    """An invitation."""
    return _encoder.encode(asked)


def asked_from_json(data: bytes) -> Asked:
    """The same, read, and held against the rules.

    Raises:
        MalformedRequest: it makes no sense.
    """
    asked = _read(data, Asked, "invitation")
    check_asked(asked)
    return asked


def remembered_to_json(remembered: Remembered) -> bytes:
    """What came of a command to the memory."""
    return _encoder.encode(remembered)


def remembered_from_json(result: bytes) -> Remembered:
    """The same, read.

    Raises:
        MalformedRequest: it makes no sense.
    """
    return _read(result, Remembered, "answer of the memory")


def _read(data: bytes, kind: type[T], what: str) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except _NONSENSE as error:
        raise MalformedRequest(f"{what}: {error}") from None
