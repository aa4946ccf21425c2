"""What every error has: facts, a sentence of its own, the layer at fault, the next step.

An error that crossed the wire is rebuilt as the same class with the far node's own words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Literal, Self, get_args

Layer = Literal[
    "input",
    "local-node",
    "name",
    "directory",
    "trust",
    "network",
    "tls",
    "rpc",
    "store",
    "tmux",
    "pane",
    "agent",
]
LAYERS: tuple[Layer, ...] = get_args(Layer)
LAYER_OF: Mapping[str, Layer] = MappingProxyType({layer: layer for layer in LAYERS})
"""A layer by its name, for names that crossed a wire."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One agent a name could have meant; ``address`` can be pasted back as it stands."""

    address: str
    node: str
    state: str
    last_seen: str


class FleetError(Exception):
    """Something a person can act on.

    ``str(error)`` is one sentence: what failed, on what, what is known. ``hint`` is the next thing
    to do, often a command. ``candidates`` is filled where a name could mean several.
    """

    layer: Layer = "local-node"
    code: ClassVar[str] = "fleet_error"

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def __init__(
        self, message: str, *, hint: str = "", candidates: tuple[Candidate, ...] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.candidates = candidates

    @classmethod
    def rebuilt(
        cls, message: str, hint: str, layer: Layer, candidates: tuple[Candidate, ...]
    ) -> Self:
        """Make the error again from what crossed the wire, word for word."""
        error = cls.__new__(cls)
        FleetError.__init__(error, message, hint=hint, candidates=candidates)
        error.layer = layer
        return error


class IllegalTransition(FleetError):
    """A bug: a state machine got an event that its table does not have."""

    def __init__(self, state: str, event: str) -> None:
        super().__init__(
            f"state {state} has no row for {event}", hint="this is a bug in fleet; please report it"
        )
