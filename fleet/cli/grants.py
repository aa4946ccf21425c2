"""What others may do with agents here: ``grant``, ``ungrant``, ``grants``."""

from __future__ import annotations

from fleet.cli import render
from fleet.cli.command import Command, nothing, seconds
from fleet.cli.terminal import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fleet.cli.command import Invocation, Parser

VERBS = ("message", "observe", "control", "spawn")
"""``Verb`` of ``fleet/core/trust.py``; a test compares."""


def _who(parser: Parser) -> None:
    parser.add_argument(
        "who", metavar="WHO", help="agent@node; *@node, or a node's bare name, is everybody there"
    )


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


def _ungrant_arguments(parser: Parser) -> None:
    _who(parser)
    _agent(parser)


def _grant(call: Invocation) -> int:
    given = call.given
    verbs = [verb.strip() for verb in given.verbs.lower().split(",")]
    if unknown := [verb for verb in verbs if verb not in VERBS]:
        raise call.usage(f"there is no verb {unknown[0]!r}", hint=f"verbs: {', '.join(VERBS)}")
    told = call.ask(
        "grant", who=given.who, verbs=verbs, agent=given.agent, expires_s=given.expires_s
    ).result
    if call.terminal.as_json:
        call.terminal.data(told)
        return 0
    until = f" until {told['expires_at']}" if told.get("expires_at") else ""
    allowed = ", ".join(told["verbs"])
    call.terminal.say(plain(f"{told['who']} may {allowed} {told['agent']} here{until}"))
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
            (one["who"], ", ".join(one["verbs"]), one["agent"], one.get("expires_at") or "never")
            for one in grants
        ]
        render.table(call.terminal, ("WHO", "MAY", "AGENT", "EXPIRES"), rows)
    else:
        call.terminal.note("nothing beyond the default: members may message agents that are open")
    return 0


COMMANDS = {
    "grant": Command(_grant, _grant_arguments, "fleet grant neo@white observe rin --expires 2h"),
    "ungrant": Command(_ungrant, _ungrant_arguments, "fleet ungrant neo@white rin"),
    "grants": Command(_grants, nothing, "fleet grants"),
}
