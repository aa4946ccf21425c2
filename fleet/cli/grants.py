"""What others may do with agents here: ``grant``, ``ungrant``, ``grants``, ``policy``."""

from __future__ import annotations

from fleet.cli import render
from fleet.cli.command import Command, nothing, seconds
from fleet.cli.start import POLICIES
from fleet.cli.terminal import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fleet.cli.command import Invocation, Parser

VERBS = ("message", "observe", "control", "spawn")
"""``Verb`` of ``fleet/core/trust.py``; a test compares."""


def _who(parser: Parser) -> None:
    parser.add_argument(
        "who", metavar="WHO",
        help="agent@node, or a pattern: *@nova (or nova) is everybody there, neo@* is neo anywhere,"
        " '*' everybody",
    )  # fmt: skip


def _agent(parser: Parser) -> None:
    parser.add_argument(
        "agent", metavar="AGENT", nargs="?", default="*",
        help="with which agents here; * stands for any letters (default: *)",
    )  # fmt: skip


def _grant_arguments(parser: Parser) -> None:
    _who(parser)
    parser.add_argument("verbs", metavar="VERB[,VERB]", help=", ".join(VERBS))
    _agent(parser)
    parser.add_argument(
        "--expires", metavar="S", type=seconds, dest="expires_s", default=0.0,
        help="until when: seconds, or 10m, 2h, 7d (default: for ever)",
    )  # fmt: skip
    parser.add_argument(
        "--rate", metavar="N/UNIT", default="",
        help="how often, for each node: 5/s, 10/m, 100/h, 500/d (default: any number of times)",
    )  # fmt: skip


def _ungrant_arguments(parser: Parser) -> None:
    _who(parser)
    _agent(parser)


def _grant(call: Invocation) -> int:
    given = call.given
    verbs = [verb.strip() for verb in given.verbs.lower().split(",")]
    if unknown := [verb for verb in verbs if verb not in VERBS]:
        raise call.usage(f"there is no verb {unknown[0]!r}", hint=f"verbs: {', '.join(VERBS)}")
    wish = {"who": given.who, "verbs": verbs, "agent": given.agent, "expires_s": given.expires_s}
    told = call.ask("grant", **wish, **({"rate": given.rate} if given.rate else {})).result
    if call.terminal.as_json:
        call.terminal.data(told)
        return 0
    until = f" until {told['expires_at']}" if told.get("expires_at") else ""
    often = f", {told['rate']} for each node" if told.get("rate") else ""
    allowed = ", ".join(told["verbs"])
    call.terminal.say(plain(f"{told['who']} may {allowed} {told['agent']} here{often}{until}"))
    return 0


def _ungrant(call: Invocation) -> int:
    told = call.ask("ungrant", who=call.given.who, agent=call.given.agent).result
    if call.terminal.as_json:
        call.terminal.data(told)
    else:
        call.terminal.say("taken back" if told["removed"] else "there was no such grant")
    return 0


def _grants(call: Invocation) -> int:
    grants = call.ask("grants").result
    if call.terminal.as_json:
        call.terminal.data(grants)
    elif grants:
        rows = [
            (
                one["who"], ", ".join(one["verbs"]), one["agent"], one.get("rate") or "",
                _end(one.get("expires_at")),
            )
            for one in grants
        ]  # fmt: skip
        render.table(call.terminal, ("WHO", "MAY", "AGENT", "RATE", "EXPIRES"), rows)
    else:
        call.terminal.note("nothing beyond the default: members may message agents that are open")
    return 0


def _end(expires_at: str | None) -> str:
    """When a grant ends, and whether that is over."""
    from time import time

    if not expires_at:
        return "never"
    end_s = render.clock_s(expires_at)
    return f"{expires_at} (over)" if end_s is not None and end_s <= time() else expires_at


def _policy_arguments(parser: Parser) -> None:
    parser.add_argument("name", metavar="NAME", help="an agent of this host")
    parser.add_argument(
        "policy", metavar="POLICY", nargs="?", choices=POLICIES,
        help="from now on: open (members may message it), approval (each message waits for"
        " fleet release), closed (who has a grant); without it, show what it is",
    )  # fmt: skip


def _policy(call: Invocation) -> int:
    given = call.given
    told = call.ask("policy", name=given.name, policy=given.policy or "").result
    if call.terminal.as_json:
        call.terminal.data(told)
        return 0
    was = f" (was {told['before']})" if told["before"] != told["policy"] else ""
    call.terminal.say(plain(f"{told['address']} is {told['policy']}{was}"))
    if told["held"]:
        call.terminal.note(
            f"{told['held']} wait for approval all the same:"
            f" fleet inbox {told['name']} --held, fleet release ID"
        )
    return 0


COMMANDS = {
    "grant": Command(
        _grant, _grant_arguments, "fleet grant '*@nova' message rin --rate 10/m --expires 2h"
    ),
    "ungrant": Command(_ungrant, _ungrant_arguments, "fleet ungrant neo@white rin"),
    "grants": Command(_grants, nothing, "fleet grants"),
    "policy": Command(_policy, _policy_arguments, "fleet policy rin approval"),
}
