"""Calls about agents: started, adopted, ended, listed, looked at, found; and what is known of programs."""

from __future__ import annotations

import msgspec

from fleet.outcomes import EXIT_REACHED, outcome_of
from node.doors import profiles, views
from node.doors.calls.call import Ask, Calls, Count, Named, Who, takes
from node.engine.starter import Start
from node.records import Agent


class StartArgs(msgspec.Struct):
    name: str
    socket: str
    cwd: str = ""
    command: tuple[str, ...] = ()
    pane: str = ""
    here: str = ""
    profile: str = ""
    policy: str = ""
    hooks: bool | None = None
    skill: bool | None = None


class PeekArgs(msgspec.Struct):
    name: str
    lines: Count = 0


class RouteArgs(msgspec.Struct):
    to: str
    probe: bool = False


class PolicyArgs(msgspec.Struct):
    name: str
    policy: str = ""


async def _ls(ask: Ask) -> None:
    ask.answer.result(await views.agents(ask.node, ask.caller), EXIT_REACHED)


@takes(StartArgs)
async def _start(ask: Ask, args: StartArgs) -> None:
    _answer_agent(ask, await ask.node.starter.start(_wish(args)))


@takes(StartArgs)
async def _adopt(ask: Ask, args: StartArgs) -> None:
    _answer_agent(ask, await ask.node.starter.adopt(_wish(args)))


def _wish(args: StartArgs) -> Start:
    return Start(
        args.name, args.socket, args.profile, args.policy, args.cwd, args.command, args.pane,
        args.here, args.hooks, skill=args.skill,
    )  # fmt: skip


def _answer_agent(ask: Ask, agent: Agent) -> None:
    ask.answer.result(views.agent(ask.node, agent), EXIT_REACHED)


@takes(Named)
async def _end(ask: Ask, args: Named) -> None:
    _answer_agent(ask, await ask.node.agents.end(_own(ask, args)))


@takes(Named)
async def _forget(ask: Ask, args: Named) -> None:
    _answer_agent(ask, await ask.node.agents.forget(_own(ask, args)))


def _own(ask: Ask, args: Named) -> str:
    """The name of an agent of this node, typed bare or as an address."""
    return views.own_name(ask.node, args.name)


@takes(PeekArgs)
async def _peek(ask: Ask, args: PeekArgs) -> None:
    ask.answer.result(await views.screen(ask.node, ask.caller, args.name, args.lines), EXIT_REACHED)


@takes(Named)
async def _attach(ask: Ask, args: Named) -> None:
    ask.answer.result(await views.place(ask.node, args.name), EXIT_REACHED)


@takes(RouteArgs)
async def _route(ask: Ask, args: RouteArgs) -> None:
    route = await ask.node.router.walk(ask.caller, args.to, ask_far_node=args.probe)
    code = outcome_of(route.error).exit_code if route.error else EXIT_REACHED
    ask.answer.result(views.route(route), code)


@takes(PolicyArgs)
async def _policy(ask: Ask, args: PolicyArgs) -> None:
    name = views.own_name(ask.node, args.name)
    before = ask.node.agents.known(name).policy
    if args.policy:
        await ask.node.agents.set_policy(name, args.policy)
    ask.answer.result(views.policy(ask.node, name, before), EXIT_REACHED)


async def _profiles(ask: Ask) -> None:
    ask.answer.result(profiles.listed(ask.node), EXIT_REACHED)


@takes(Named)
async def _profile(ask: Ask, args: Named) -> None:
    ask.answer.result(profiles.whole(ask.node, args.name), EXIT_REACHED)


CALLS: Calls = {
    "ls": (Who.ANYONE, _ls),
    "start": (Who.SPAWNER, _start),
    "adopt": (Who.SPAWNER, _adopt),
    "end": (Who.SPAWNER, _end),
    "forget": (Who.SPAWNER, _forget),
    "peek": (Who.ANYONE, _peek),
    "attach": (Who.OPERATOR, _attach),
    "route": (Who.ANYONE, _route),
    "policy": (Who.OPERATOR, _policy),
    "profiles": (Who.ANYONE, _profiles),
    "profile": (Who.ANYONE, _profile),
}
