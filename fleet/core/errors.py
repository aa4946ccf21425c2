"""Everything that goes wrong, as one tree.

A class carries its facts, builds its own sentence, and names the layer at fault and the next
step. ``fleet/outcomes.py`` maps each class, once, to a gRPC status and an exit code. An error that
crossed the wire is rebuilt as the same class with the far node's own words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
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


# --- input -------------------------------------------------------------------------------------


class MalformedName(FleetError):
    """What was typed is not a name by the grammar of ``fleet/core/address.py``."""

    layer = "input"

    def __init__(self, text: str, why: str) -> None:
        super().__init__(
            f"{text!r} is not a name: {why}",
            hint="names look like agent, agent@node or team/role@node, in a-z 0-9 . _ -",
        )


class MalformedRequest(FleetError):
    """A call or an option makes no sense as given."""

    layer = "input"


class EmptyText(FleetError):
    """There is nothing to send."""

    layer = "input"

    def __init__(self) -> None:
        super().__init__(
            "the text is empty", hint='fleet send NAME "text", or pipe it: … | fleet send NAME -f -'
        )


class UndecodableText(FleetError):
    """The text is not UTF-8."""

    layer = "input"

    def __init__(self, source: str, offset: int) -> None:
        super().__init__(
            f"{source} is not UTF-8: the first bad byte is at offset {offset}",
            hint="convert it (iconv -t UTF-8), or send the path of the file instead",
        )


class TooLarge(FleetError):
    """The text is over the size limit; nothing was kept of it."""

    layer = "input"

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(
            f"the text is {size_bytes} bytes; at most {limit_bytes} can be sent",
            hint="put it into a file that the other side can read, and send the path",
        )


class BadConfig(FleetError):
    """A configuration file or profile cannot be used."""

    layer = "input"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}", hint=f"correct {path}, or move it away for the defaults")


class KeyReused(FleetError):
    """An idempotency key came back with another message."""

    layer = "input"

    def __init__(self, key: str, envelope_id: str) -> None:
        super().__init__(
            f"key {key!r} was used for another message, {envelope_id}",
            hint="repeat the same text to the same recipient, or take a new key",
        )


class UnknownProfile(FleetError):
    """No profile has this name."""

    layer = "input"

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"no profile is called {name!r}", hint=f"known: {', '.join(known)}")


class UnknownCall(FleetError):
    """The local door has no such call; usually a command line newer than its node."""

    layer = "local-node"

    def __init__(self, call: str) -> None:
        super().__init__(
            f"this node does not know the call {call!r}",
            hint="restart the node with the installed version: fleet down && fleet up",
        )


# --- names -------------------------------------------------------------------------------------


class UnknownAgent(FleetError):
    """No agent of the known fleet has exactly this name. Near misses are hints, never matches."""

    layer = "name"

    def __init__(self, query: str, similar: tuple[str, ...] = ()) -> None:
        near = f"did you mean {', '.join(similar)}? " if similar else ""
        super().__init__(f"no agent is called {query}", hint=f"{near}fleet ls shows all")


class UnknownNode(FleetError):
    """No node of the fleet has this name or id prefix."""

    layer = "name"

    def __init__(self, name: str, known: tuple[str, ...] = ()) -> None:
        near = f"known: {', '.join(known)}; " if known else ""
        super().__init__(f"no node is called {name}", hint=f"{near}fleet nodes shows all")


class UnknownEnvelope(FleetError):
    """No envelope has this id here, or the prefix fits several."""

    layer = "name"

    def __init__(self, envelope_id: str, several: int = 0) -> None:
        why = f"{several} envelopes begin with" if several else "no envelope here has the id"
        super().__init__(f"{why} {envelope_id}", hint="fleet inbox and fleet outbox list them")


class AmbiguousName(FleetError):
    """A name that could mean several. Nothing breaks the tie; all candidates are listed."""

    layer = "name"

    def __init__(self, query: str, candidates: tuple[Candidate, ...]) -> None:
        listed = ", ".join(c.address for c in candidates)
        super().__init__(
            f"{query} is ambiguous: {listed}",
            hint=f"say which one, for example {candidates[0].address}",
            candidates=candidates,
        )


class NameTaken(FleetError):
    """An agent of this name lives on this node already."""

    layer = "name"

    def __init__(self, address: str, where: str) -> None:
        name = address.partition("@")[0]
        super().__init__(
            f"{address} exists already, in {where}",
            hint=f"take another name, or fleet forget {name} first",
        )


# --- trust -------------------------------------------------------------------------------------


class Unauthenticated(FleetError):
    """The caller has no certificate that means anything here."""

    layer = "tls"


class NotAllowed(FleetError):
    """Identity is known, the grant is missing."""

    layer = "trust"

    def __init__(self, who: str, verb: str, what: str, hint: str = "") -> None:
        super().__init__(f"{who} may not {verb} {what}", hint=hint)


class KeyLocked(FleetError):
    """A signature is needed, and the key for it is locked with a passphrase."""

    layer = "trust"

    def __init__(self, file: str, why: str = "it is locked with a passphrase") -> None:
        super().__init__(
            f"{file} cannot sign: {why}",
            hint="say it on a terminal, or put it into the file that FLEET_PASSPHRASE_FILE names",
        )


class RateExceeded(FleetError):
    """It was granted so and so often, and has been done as often by the caller's node."""

    layer = "trust"

    def __init__(self, who: str, verb: str, what: str, rate: str, left_s: float) -> None:
        super().__init__(
            f"{who} may {verb} {what} {rate}, and its node has used that up: again in {_rounded(left_s)}",
            hint="send it again then: fleet revive ID for what was queued; or ask for a higher rate",
        )


def _rounded(length_s: float) -> str:
    """Up, so that who waits as long does not come too early."""
    if length_s < _TENTHS_BELOW_S:
        return f"{ceil(length_s * 10) / 10:.1f} s"
    return f"{ceil(length_s)} s" if length_s < _MINUTES_FROM_S else f"{ceil(length_s / 60)} min"


_TENTHS_BELOW_S = 10.0
_MINUTES_FROM_S = 600.0


class NotPaired(FleetError):
    """The two nodes do not belong to one fleet (any more, or not yet)."""

    layer = "trust"


class InvitationRefused(FleetError):
    """The invitation is used, expired, withdrawn or wrong."""

    layer = "trust"

    def __init__(self, why: str) -> None:
        super().__init__(
            f"the invitation was refused: {why}",
            hint="ask for a new one: fleet invite, on the node that lets you in",
        )


class UnsafeHome(FleetError):
    """Others could read or write the home; keys in it would not be secret."""

    layer = "local-node"

    def __init__(self, path: str, why: str, remedy: str) -> None:
        super().__init__(f"{path} is not safe to use: {why}", hint=remedy)


# --- reaching a node -----------------------------------------------------------------------------


class NodeNotRunning(FleetError):
    """No node serves this home."""

    layer = "local-node"

    def __init__(self, home: str, why: str = "") -> None:
        super().__init__(
            f"no node is running for {home}{': ' + why if why else ''}", hint="fleet up"
        )


class StartFailed(FleetError):
    """The node ended before it served."""

    layer = "local-node"


class PortInUse(FleetError):
    """Somebody else listens there."""

    layer = "local-node"

    def __init__(self, listen: str) -> None:
        super().__init__(
            f"cannot listen on {listen}: the port is in use",
            hint="choose another: fleet up --listen HOST:PORT",
        )


class NodeUnreachable(FleetError):
    """No way to the other node now; nothing was accepted there."""

    layer: Layer = "network"

    def __init__(self, node: str, why: str) -> None:
        super().__init__(
            f"{node} cannot be reached: {why}",
            hint=f"is it up? on its host: fleet up, fleet doctor; messages to {node} wait meanwhile",
        )


class VersionMismatch(FleetError):
    """The other side, or the data on disk, speaks a version this build does not."""

    layer = "rpc"


class StoreFailed(FleetError):
    """The database could not keep what it was given; nothing was accepted."""

    layer = "store"


class NoSpace(StoreFailed):
    """The disk is full; nothing was accepted."""

    def __init__(self, path: str) -> None:
        FleetError.__init__(
            self,
            f"no space left for {path}; nothing was accepted",
            hint=f"make room on the disk that holds {path}, then try again",
        )


class MailboxFull(FleetError):
    """A queue is at its stated limit; nothing was accepted."""

    layer = "store"

    def __init__(self, where: str, limit: int, of: str = "") -> None:
        """``of`` is what the limit counts, when that is not envelopes."""
        super().__init__(
            f"{where} has no room for this one in its {limit} {of}"
            if of
            else f"{where} holds {limit} envelopes already",
            hint="wait until it drains, or clear it: fleet outbox, fleet cancel ID",
        )


class TooBusy(FleetError):
    """A peer wants more at once than one is given; nothing was done for this one."""

    layer = "rpc"

    def __init__(self, where: str) -> None:
        super().__init__(
            f"{where} does as much for this node already as it does at once",
            hint="try again in a moment",
        )


# --- panes and agents ----------------------------------------------------------------------------


class NoTmux(FleetError):
    """tmux is missing, too old, or its server does not answer."""

    layer = "tmux"


class PaneGone(FleetError):
    """The agent's pane is not there any more, or is no longer this incarnation's."""

    layer = "pane"

    def __init__(self, address: str, why: str) -> None:
        name = address.partition("@")[0]
        super().__init__(
            f"{address} has no pane: {why}",
            hint=f"fleet start {name}, or fleet adopt {name} --pane %N; messages wait for it",
        )


class PaneTaken(FleetError):
    """The pane belongs to another agent already."""

    layer = "pane"


class PaneIsShell(FleetError):
    """A shell would run what is typed; it becomes an agent only on explicit wish."""

    layer = "pane"

    def __init__(self, where: str, program: str) -> None:
        super().__init__(
            f"{where} shows a shell ({program}); it would run every message as a command",
            hint="start the agent program first, or say so: --profile bash",
        )


class HooksUnsupported(FleetError):
    """The agent's program cannot be made to tell its turns, or not while it runs."""

    layer = "agent"

    def __init__(self, name: str, why: str = "a program takes hooks only when it starts") -> None:
        super().__init__(
            f"{name} gets no hooks: {why}",
            hint=f"fleet start {name} --hooks -- COMMAND; without them its transcript and screen tell",
        )


class AgentAsking(FleetError):
    """A question is open on the agent's screen; a keystroke could answer it."""

    layer = "agent"

    def __init__(self, address: str, question: str) -> None:
        super().__init__(
            f"{address} is asking: {question}",
            hint=f"answer it there: fleet attach {address}; messages wait meanwhile",
        )


class AgentNotReady(FleetError):
    """The agent cannot take input now; messages are held."""

    layer = "agent"


class Unconfirmed(FleetError):
    """Typed and Enter pressed, no evidence either way."""

    layer = "agent"


class InDoubt(FleetError):
    """The agent or tmux died between typing and evidence."""

    layer = "agent"


# --- ends ------------------------------------------------------------------------------------------


class Expired(FleetError):
    """The envelope's time ran out before it was submitted."""

    layer = "agent"


class Refused(FleetError):
    """The recipient's side will not take it."""

    layer: Layer = "agent"


class Cancelled(FleetError):
    """Somebody with the right to do so took it back."""

    layer = "agent"


class LoopStopped(Refused):
    """Two agents answered each other past the limit; a person has to step in."""

    layer = "trust"

    def __init__(self, thread: str, hops: int) -> None:
        FleetError.__init__(
            self,
            f"conversation {thread} went back and forth {hops} times without a person",
            hint="an operator may go on: fleet send NAME, which begins a new conversation",
        )


class WrongState(FleetError):
    """The action does not fit the state of what it is about."""

    layer: Layer = "input"


class IllegalTransition(FleetError):
    """A bug: a state machine got an event that its table does not have."""

    def __init__(self, state: str, event: str) -> None:
        super().__init__(
            f"state {state} has no row for {event}", hint="this is a bug in fleet; please report it"
        )


def every_error() -> dict[str, type[FleetError]]:
    """Every class of the tree by its code."""
    found: dict[str, type[FleetError]] = {}
    waiting: list[type[FleetError]] = [FleetError]
    while waiting:
        cls = waiting.pop()
        found[cls.code] = cls
        waiting.extend(cls.__subclasses__())
    return found
