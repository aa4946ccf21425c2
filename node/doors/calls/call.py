"""What a call is: for whom, what it takes, and one request on its way through it.

A family of calls is a module that builds on this one: types for the arguments, a function for each
call, and ``CALLS``, a row for each, which ``table.py`` joins to the others. A function has three moves:
read the arguments, ask the node, answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Generic, TypeVar

import msgspec

from fleet.core.errors.requests import MalformedRequest
from fleet.core.trust import Caller
from node.doors.local import Answer, Request
from node.doors.reflection import arguments
from node.engine.node import Node

T = TypeVar("T")
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
"""How many of something; more fits neither a screen nor SQLite's idea of a number."""


class Who(Enum):
    """Whom a call is for."""

    ANYONE = "anyone"
    OPERATOR = "operator"
    SPAWNER = "spawner"  # the operator, or an agent with a grant to spawn


@dataclass(frozen=True, slots=True)
class Ask:
    """One request on its way through the node."""

    node: Node
    caller: Caller
    request: Request
    answer: Answer

    def args(self, kind: type[T]) -> T:
        """The arguments as a value.

        Raises:
            MalformedRequest: saying which argument is wrong.
        """
        try:
            return msgspec.convert(self.request.args, kind)
        except msgspec.ValidationError as error:
            raise MalformedRequest(f"{self.request.call}: {error}") from None


Act = Callable[[Ask], Awaitable[None]]
Calls = Mapping[str, tuple[Who, Act]]
"""Calls by name: for whom each is, and what it does."""


@dataclass(frozen=True, slots=True)
class Taking(Generic[T]):
    """A call that takes arguments, and which: the node reads them by it, and others learn of them."""

    kind: type[T]
    act: Callable[[Ask, T], Awaitable[None]]

    async def __call__(self, ask: Ask) -> None:
        await self.act(ask, ask.args(self.kind))

    def arguments(self) -> list[dict[str, object]]:
        """What it takes, as others are told."""
        return arguments(self.kind)


def takes(kind: type[T]) -> Callable[[Callable[[Ask, T], Awaitable[None]]], Taking[T]]:
    """Mark a call with the arguments it takes."""
    return lambda act: Taking(kind, act)


class Named(msgspec.Struct):
    name: str
