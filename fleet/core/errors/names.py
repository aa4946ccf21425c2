"""A name that means nobody, could mean several, or is taken."""

from __future__ import annotations

from fleet.core.errors.base import Candidate, FleetError


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


class UnknownFinding(FleetError):
    """The team's memory has no finding of this number."""

    layer = "name"

    def __init__(self, label: str, team: str) -> None:
        super().__init__(
            f"the memory of {team} has no finding {label}",
            hint=f"fleet memory ls {team} lists them",
        )


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


class SeatInDoubt(FleetError):
    """Who fills a seat is said by nodes, and no log of the team that is here says the same. Nobody is
    guessed; all who may be meant are listed."""

    layer = "directory"

    def __init__(self, query: str, candidates: tuple[Candidate, ...], why: str) -> None:
        listed = ", ".join(c.address for c in candidates)
        super().__init__(
            f"who fills {query} is in doubt: {listed}; {why}",
            hint=f"an agent's own address is never in doubt, for example {candidates[0].address}",
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
