"""tmux, the agent's pane in it, and the program in the pane."""

from __future__ import annotations

from fleet.core.errors.base import FleetError


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
