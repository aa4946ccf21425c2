"""Calls about a team's supervisor: one look at the team, now."""

from __future__ import annotations

from typing import Any

import msgspec

from fleet.core.envelope import Receipt
from fleet.core.moment import iso_time
from fleet.core.supervise import Incident
from fleet.core.troubles import SeatView
from fleet.outcomes import EXIT_REACHED, outcome_of, worst
from node.doors.calls.call import Ask, Calls, Who, takes
from node.doors.local import error_json
from node.engine.chronicle import Chronicle
from node.engine.supervisor import Seen, Told


class TickArgs(msgspec.Struct):
    team: str = ""
    dry_run: bool = False


@takes(TickArgs)
async def _tick(ask: Ask, args: TickArgs) -> None:
    team = ask.node.teams.named(args.team, ask.caller)
    ask.node.teams.require_reader(team, ask.caller)
    seen = await ask.node.supervisor.tick(team, is_dry=args.dry_run)
    refused = [outcome_of(t.outcome) for t in seen.told if not isinstance(t.outcome, Receipt)]
    exit_code = worst([EXIT_REACHED, *(one.exit_code for one in refused)])
    ask.answer.result(_shown(ask, team, seen, is_dry=args.dry_run), exit_code)


def _shown(ask: Ask, team: Chronicle, seen: Seen, *, is_dry: bool) -> dict[str, Any]:
    return {
        "team": ask.node.teams.label(team),
        "dry_run": is_dry,
        "lead": team.board.lead,
        "claimable": seen.free,
        "tick_s": seen.tick_s,
        "seats": [_seat(view, seen) for view in seen.views],
        "told": [_told(one) for one in seen.told],
    }


def _seat(view: SeatView, seen: Seen) -> dict[str, Any]:
    """One seat: what was seen, which troubles are open, and a line for each thing that was decided."""
    return {
        "seat": view.seat,
        "connected": view.connected,
        "online": view.online,
        "doing": view.doing,
        "still_s": round(view.still_s),
        "tasks": list(view.holds),
        "blocked": list(view.blocked),
        "held_s": round(view.held_s),
        "held_why": view.held_why,
        "limited_s": round(view.paused_s),
        "said": [
            {"saw": one.saw, "does": one.does, "why": one.why}
            for one in seen.done.said
            if one.seat == view.seat
        ],
        "incidents": [_incident(one) for one in seen.done.open if one.seat == view.seat],
    }


def _incident(one: Incident) -> dict[str, Any]:
    return {"trouble": one.trouble.value, "steps": one.done, "since": iso_time(one.since_s)}


def _told(one: Told) -> dict[str, Any]:
    """A letter: to whom, and how it stands."""
    receipt = one.outcome if isinstance(one.outcome, Receipt) else None
    return {
        "who": one.to.value,
        "to": one.address,
        "id": receipt.envelope.id if receipt else "",
        "state": receipt.last.state.value if receipt else "",
        "error": None if isinstance(one.outcome, Receipt) else error_json(one.outcome),
    }


CALLS: Calls = {"team_tick": (Who.ANYONE, _tick)}
