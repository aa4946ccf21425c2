"""The commands of stories: what people, programs and the world do, one method each.

Agents are given as ``rin@nova``, where nova is a host. Envelopes are called ``#1``, ``#2``, … in the
order in which they were first shown. ``from=`` says who acts: the first host's operator if nothing is
said. Commands that answer nothing did what they say.
"""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Callable
from typing import Any

from fleet.core.address import OPERATOR
from fleet.core.errors.base import FleetError
from fleet.core.team_events import NodeJoined, Planned, Seated
from tests.support.host import SOCKET, Host
from tests.support.panes import Moment
from tests.support.programs import Chat
from tests.support.recording import FRAMED
from tests.support.visits import Said
from tests.support.world import World

_OPTION = re.compile(r"([a-z_]+)=(.*)", re.DOTALL)
_ID = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{26}\b")
_NUMBERS = {"timeout": "timeout_s", "expires": "expires_s", "draft_limit": "draft_limit_s"}
_NOT_SHOWN = {"n", "at", "kind", "digest", "expires_at", "incarnation", "pane", "profile"}

Options = dict[str, str]


class Script:
    """One world, told what to do line by line."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ids: list[str] = []
        self._token = ""

    async def do(self, line: str) -> list[str]:
        """Carry out one line; what it answers."""
        verb, *rest = shlex.split(line)
        options = {m[1]: m[2] for word in rest if (m := _OPTION.fullmatch(word))}
        words = [self._whole(word) for word in rest if not _OPTION.fullmatch(word)]
        work = getattr(self, f"do_{verb}")
        answer: list[str] | None = await work(words, options)
        return [self._short(line) for line in answer or []]

    # --- hosts and their network ---

    async def do_fleet(self, words: list[str], options: Options) -> None:
        await self._world.fleet(*words)

    async def do_host(self, words: list[str], options: Options) -> None:
        self._world.host(words[0], options.get("name", ""))

    async def do_up(self, words: list[str], options: Options) -> None:
        for word in words:
            self._host(word).up()

    async def do_down(self, words: list[str], options: Options) -> None:
        for word in words:
            await self._host(word).down()

    async def do_crash(self, words: list[str], options: Options) -> None:
        """At once, or just before or just after the next request of a kind: ``after=paste``."""
        host = self._host(words[0])
        if options:
            self._plan(host, options, host.crash)
        else:
            host.crash()

    async def do_lose(self, words: list[str], options: Options) -> None:
        """The next request of a kind ends without an answer."""
        host = self._host(words[0])
        for moment, request in options.items():
            host.panes.fail(request, Moment(moment))

    def _plan(self, host: Host, options: Options, action: Callable[[], None]) -> None:
        for moment, request in options.items():
            host.panes.when(request, Moment(moment), action)

    async def do_cut(self, words: list[str], options: Options) -> None:
        """Nothing goes from the first to the second; with ``both``, nor back."""
        one, other = (self._host(word).node_id for word in words[:2])
        self._world.net.cut(one, other)
        if "both" in words:
            self._world.net.cut(other, one)

    async def do_heal(self, words: list[str], options: Options) -> None:
        self._world.net.heal()

    async def do_break(self, words: list[str], options: Options) -> None:
        """The links between two break; what was under way is lost."""
        self._world.net.drop(*(self._host(word).node_id for word in words))

    async def do_slow(self, words: list[str], options: Options) -> None:
        """A frame takes at most so many seconds from now on, and at least half of that."""
        self._world.net.slowest_s = float(words[0])

    async def do_wait(self, words: list[str], options: Options) -> None:
        await asyncio.sleep(float(words[0]))

    async def do_settle(self, words: list[str], options: Options) -> None:
        await self._world.settle()

    async def do_clock(self, words: list[str], options: Options) -> None:
        """A host's calendar is so many seconds ahead from now on."""
        self._host(words[0]).clock.ahead_s = float(words[1])

    async def do_room(self, words: list[str], options: Options) -> None:
        """How many envelopes may wait for one agent, from the next life on."""
        self._host(words[0]).room = int(words[1])

    # --- tmux, and people at their panes ---

    async def do_tmux(self, words: list[str], options: Options) -> None:
        """The server dies; ``restart`` puts chats of a person into as many panes of a new one."""
        host = self._host(words[0])
        before = len(host.tmux.server(SOCKET).panes())
        host.tmux.kill(SOCKET)
        for _ in range(before if "restart" in words else 0):
            host.tmux.window(SOCKET, Chat())

    async def do_set(self, words: list[str], options: Options) -> None:
        """What a program is like from now on."""
        now: dict[str, Any] = {name: _value(text) for name, text in options.items()}
        self._program(words[0]).set(**now)

    async def do_type(self, words: list[str], options: Options) -> None:
        host, agent = self._agent(words[0])
        ref = host.ref(agent)
        host.tmux.server(ref.socket).type(ref.pane, _text(words[1]).encode())

    async def do_mode(self, words: list[str], options: Options) -> None:
        host, agent = self._agent(words[0])
        host.pane(agent).mode = words[1] if words[1] != "off" else ""

    async def do_input(self, words: list[str], options: Options) -> None:
        host, agent = self._agent(words[0])
        host.pane(agent).input_off = words[1] == "off"

    async def do_quit(self, words: list[str], options: Options) -> None:
        """The program ends by itself."""
        self._program(words[0]).set(ended=True)

    async def do_reuse(self, words: list[str], options: Options) -> None:
        """Another program as the pane's own process."""
        host, agent = self._agent(words[0])
        host.tmux.respawn(host.pane(agent), Chat())

    async def do_turns(self, words: list[str], options: Options) -> list[str]:
        """What the program of an agent's newest incarnation was given."""
        return [_told(turn) for turn in self._program(words[0]).turns] or ["none"]

    async def do_screen(self, words: list[str], options: Options) -> list[str]:
        """The last rows of it."""
        return list(self._program(words[0]).rows[-int(words[1]) :])

    async def do_peek(self, words: list[str], options: Options) -> list[str]:
        """What the node shows of an agent's screen."""
        said = await self._call(options, "peek", name=words[0])
        return self._refused(said) or [said.result["state"], *said.result["rows"]]

    async def do_panes(self, words: list[str], options: Options) -> list[str]:
        """Every pane of a host, and what its program in front was given."""
        shown: list[str] = []
        for pane in self._host(words[0]).tmux.server(SOCKET).panes():
            front = pane.front
            mode = f", {pane.mode}" if pane.mode else ""
            shown.append(f"{pane.id} {front.name if front else 'dead'}{mode}")
            turns = front.turns if isinstance(front, Chat) else []
            shown += [f"   {_told(turn)}" for turn in turns]
        return shown or ["none"]

    # --- agents ---

    async def do_start(self, words: list[str], options: Options) -> list[str]:
        host, agent = self._agent(words[0])
        command = (options.get("program", "chat"),)
        chosen = {key: options[key] for key in ("profile", "policy") if key in options}
        return self._refused(
            await host.call("start", name=agent, socket=SOCKET, command=command, **chosen)
        )

    async def do_again(self, words: list[str], options: Options) -> list[str]:
        """Start an agent as it was started before."""
        host, agent = self._agent(words[0])
        return self._refused(await host.call("start", name=agent, socket=SOCKET))

    async def do_adopt(self, words: list[str], options: Options) -> list[str]:
        """Make a pane an agent; without ``pane=`` one in which programs are started one on the other."""
        host, agent = self._agent(words[0])
        pane = options.get("pane", "")
        if not pane:
            programs = [host.tmux.installed[name]((name,)) for name in words[1:]]
            pane = host.tmux.window(SOCKET, *programs).id
        chosen = {key: options[key] for key in ("profile", "policy") if key in options}
        args = {"name": agent, "socket": SOCKET, "pane": pane}
        return self._refused(await host.call("adopt", **args, **chosen))

    async def do_stop(self, words: list[str], options: Options) -> list[str]:
        host, agent = self._agent(words[0])
        return self._refused(await host.call("end", name=agent))

    async def do_forget(self, words: list[str], options: Options) -> list[str]:
        host, agent = self._agent(words[0])
        return self._refused(await host.call("forget", name=agent))

    async def do_ls(self, words: list[str], options: Options) -> list[str]:
        said = await self._call(options, "ls")
        return [f"{row['address']} {row['state']}" for row in said.result] or ["nobody"]

    # --- teams ---

    async def do_team(self, words: list[str], options: Options) -> None:
        """A team and its home."""
        name, key = words
        teams = self._host(key).up_node.teams
        await teams.found(self._host(key).attest(OPERATOR), name, Planned("{}", "lead", (), 600.0))

    async def do_seat(self, words: list[str], options: Options) -> None:
        """An agent fills a seat of a team whose home is named: ``seat site/impl rin@nova home=white``."""
        team_name, _, seat = words[0].partition("/")
        host, agent = self._agent(words[1])
        home = self._host(options["home"]).up_node
        team = next(t for t in home.teams.all() if t.row.name == team_name and t.is_home)
        if host.node_id not in {home.fleet.me.node_id, *team.board.nodes}:
            await home.teams.write(team, "", "", (NodeJoined("", host.node_id, ()),))
            host.up_node.teams.follow(team.team_id, team_name, home.fleet.me.node_id)
            host.up_node.copies.linked(home.fleet.me.node_id)
        await home.teams.write(team, "", "", (Seated(seat, seat, agent, host.node_id),))

    async def do_task(self, words: list[str], options: Options) -> list[str]:
        """What somebody does with a team's tasks: ``task add site "mend it"``, ``task claim site T1``."""
        verb, team, what, *rest = words
        args = {"title": what} if verb == "add" else {"task": what, "text": "".join(rest)}
        if verb in {"claim", "start"}:
            args.pop("text")
        return self._refused(await self._call(options, f"task_{verb}", team=team, **args))

    async def do_tasks(self, words: list[str], options: Options) -> list[str]:
        """A team's tasks, with who holds each and why it is as it is."""
        said = await self._call(options, "tasks", team=words[0], all=True)
        return self._refused(said) or [
            " ".join(filter(None, (row["id"], row["state"], row["holder"], row["why"])))
            for row in said.result
        ]

    async def do_supervise(self, words: list[str], options: Options) -> None:
        """A host's supervisor looks at its teams from now on, until this life ends."""
        host = self._host(words[0])
        host.begin(host.up_node.supervisor.run())

    async def do_tick(self, words: list[str], options: Options) -> list[str]:
        """Look at a team by hand; with ``dry`` nothing is done."""
        said = await self._call(options, "team_tick", team=words[0], dry_run="dry" in words)
        if said.error:
            return self._refused(said)
        rows = [(seat["seat"], line) for seat in said.result["seats"] for line in seat["said"]]
        letters = [
            f"told {one['to']}: {one['state'] or one['error']['code']}"
            for one in said.result["told"]
        ]
        return [f"{seat}: {x['saw']} -> {x['does'] or x['why']}" for seat, x in rows] + letters

    # --- trust ---

    async def do_invite(self, words: list[str], options: Options) -> list[str]:
        """A host's operator makes a token; ``join`` takes the newest one."""
        said = await self._host(words[0]).call("invite")
        self._token = str(said.result["token"]) if said.result else ""
        return self._refused(said)

    async def do_join(self, words: list[str], options: Options) -> list[str]:
        return self._refused(await self._host(words[0]).call("join", token=self._token))

    async def do_revoke(self, words: list[str], options: Options) -> list[str]:
        return self._refused(await self._call(options, "revoke", node=words[0], reason="a story"))

    async def do_grant(self, words: list[str], options: Options) -> list[str]:
        who, verbs, agent = words
        args = {"who": who, "verbs": tuple(verbs.split(",")), "agent": agent}
        said = {"rate": options["rate"]} if "rate" in options else {}
        return self._refused(
            await self._call(options, "grant", **args, **said, **_numbers(options))
        )

    async def do_ungrant(self, words: list[str], options: Options) -> list[str]:
        who, agent = words
        said = await self._call(options, "ungrant", who=who, agent=agent)
        return self._refused(said) or ["taken back" if said.result["removed"] else "no such grant"]

    async def do_policy(self, words: list[str], options: Options) -> list[str]:
        """Show an agent's policy, or decide anew, as the person of its node."""
        host, agent = self._agent(words[0])
        actor = options.get("from", f"{OPERATOR}@{host.key}")
        policy = {"policy": words[1]} if words[1:] else {}
        said = await self._call({"from": actor}, "policy", name=agent, **policy)
        if said.error:
            return self._refused(said)
        told = said.result
        return [f"{told['policy']} (was {told['before']}), {told['held']} held for approval"]

    async def do_log(self, words: list[str], options: Options) -> list[str]:
        """The newest events of a host's audit log of some kinds, without what differs each time."""
        said = await self._host(words[0]).call("log", lines=1_000)
        events = [event for event in said.items if event["kind"] in words[1:]]
        return [_event(event) for event in events] or ["nothing"]

    async def do_nodes(self, words: list[str], options: Options) -> list[str]:
        said = await self._call(options, "nodes")
        return [f"{row['node']} {row['state']}" for row in said.result]

    # --- envelopes ---

    async def do_send(self, words: list[str], options: Options) -> list[str]:
        args: dict[str, Any] = {"to": words[0], "text": _text(words[1]), "raw": "raw" in words[2:]}
        args |= {key: options[key] for key in ("key", "wait") if key in options}
        if words[0].startswith("@"):
            said = await self._call(options, "send_team", **args, **_numbers(options))
            return self._refused(said) or [
                *(line for one in said.result for line in self._member(one)),
                f"exit {said.exit}",
            ]
        return self._receipt(await self._call(options, "send", **args, **_numbers(options)))

    async def do_reply(self, words: list[str], options: Options) -> list[str]:
        args = {"id": words[0], "text": words[1], **_numbers(options)}
        return self._receipt(await self._call(options, "reply", **args))

    async def do_chatter(self, words: list[str], options: Options) -> list[str]:
        """The two agents of an envelope answer each other until they are stopped."""
        envelope_id = words[0]
        for answers in range(1_000):
            here, there = self._parties(envelope_id)
            said = await self._host(there.partition("@")[2]).call(
                "reply", there.partition("@")[0], id=envelope_id, text=f"answer to {here}"
            )
            if said.error or said.result["state"] != "submitted":
                return [f"{answers} answers, then:", *self._receipt(said)]
            envelope_id = str(said.result["id"])
        return ["they were not stopped"]

    def _parties(self, envelope_id: str) -> tuple[str, str]:
        """Who sent an envelope, and to whom."""
        for host in self._world.hosts.values():
            if item := host.up_node.store.inbox.get(envelope_id):
                return item.envelope.sender, item.envelope.to
        raise AssertionError(f"{envelope_id} did not arrive")

    async def do_ack(self, words: list[str], options: Options) -> list[str]:
        return self._receipt(await self._call(options, "ack", id=words[0]))

    async def do_cancel(self, words: list[str], options: Options) -> list[str]:
        return self._receipt(await self._call(options, "cancel", id=words[0]))

    async def do_release(self, words: list[str], options: Options) -> list[str]:
        return self._receipt(await self._call(options, "release", id=words[0]))

    async def do_revive(self, words: list[str], options: Options) -> list[str]:
        return self._receipt(await self._call(options, "revive", id=words[0]))

    async def do_state(self, words: list[str], options: Options) -> list[str]:
        return self._receipt(await self._call(options, "show", id=words[0]))

    async def do_show(self, words: list[str], options: Options) -> list[str]:
        """The whole timeline, as one node knows it."""
        said = await self._call(options, "show", id=words[0])
        if said.error:
            return self._refused(said)
        return [_entry(entry) for entry in said.result["timeline"]]

    async def do_until(self, words: list[str], options: Options) -> list[str]:
        """Let time pass until an envelope is in a state, as one node knows it."""
        end_s = asyncio.get_running_loop().time() + 120
        said = await self._call(options, "show", id=words[0])
        while asyncio.get_running_loop().time() < end_s:
            if said.result and said.result["state"] == words[1]:
                break
            await asyncio.sleep(0.01)
            said = await self._call(options, "show", id=words[0])
        return self._receipt(said)

    async def do_inbox(self, words: list[str], options: Options) -> list[str]:
        """Of everybody at a node, or of one."""
        names = [word for word in words if word != "dead"]
        said = await self._call(options, "inbox", name="".join(names), dead="dead" in words)
        return [_line(row) for row in said.result] or ["nothing"]

    async def do_outbox(self, words: list[str], options: Options) -> list[str]:
        said = await self._call(options, "outbox", dead="dead" in words)
        return [_line(row) for row in said.result] or ["nothing"]

    # --- reading and showing ---

    def _host(self, key: str) -> Host:
        return self._world.hosts[key]

    def _agent(self, address: str) -> tuple[Host, str]:
        agent, _, key = address.partition("@")
        return self._host(key), agent

    def _program(self, address: str) -> Chat:
        host, agent = self._agent(address)
        return host.program(agent)

    async def _call(self, options: Options, call: str, **args: object) -> Said:
        first = next(iter(self._world.hosts))
        host, agent = self._agent(options.get("from", f"{OPERATOR}@{first}"))
        try:
            return await host.call(call, agent, **args)
        except FleetError as error:
            return Said(8, error={"code": error.code, "message": str(error), "hint": error.hint})

    def _receipt(self, said: Said) -> list[str]:
        if said.error:
            return self._refused(said)
        return [_line(said.result) + (f" (exit {said.exit})" if said.exit else "")]

    def _member(self, one: dict[str, Any]) -> list[str]:
        """What became of one member's message."""
        if "error" in one:
            return [f"{one['to']}: {one['error']['code']}"]
        return [_line(one)]

    def _refused(self, said: Said) -> list[str]:
        if not said.error:
            return []
        hint = said.error["hint"]
        shown = [f"{said.error['code']} (exit {said.exit}): {said.error['message']}"]
        return [*shown, f"hint: {hint}"] if hint else shown

    def _whole(self, word: str) -> str:
        return self._ids[int(word[1:]) - 1] if re.fullmatch(r"#\d+", word) else word

    def _short(self, line: str) -> str:
        for found in _ID.findall(line):
            if found not in self._ids:
                self._ids.append(found)
        return _ID.sub(lambda found: f"#{self._ids.index(found[0]) + 1}", line)


def _numbers(options: Options) -> dict[str, float]:
    return {name: float(options[key]) for key, name in _NUMBERS.items() if key in options}


def _value(text: str) -> object:
    if text in {"yes", "no"}:
        return text == "yes"
    return int(text) if text.isdigit() else text


def _text(word: str) -> str:
    r"""A word with its ``\n`` and ``\r`` as what they stand for."""
    return word.replace("\\n", "\n").replace("\\r", "\r")


def _line(receipt: dict[str, Any]) -> str:
    why = [str(receipt[key]) for key in ("evidence", "reason") if receipt.get(key)]
    told = f" {', '.join(why)}" if why else ""
    detail = f": {receipt['detail']}" if receipt.get("detail") else ""
    return f"{receipt['id']} {receipt['from']} to {receipt['to']}: {receipt['state']}{told}{detail}"


def _entry(entry: dict[str, Any]) -> str:
    why = [str(entry[key]) for key in ("evidence", "reason") if entry.get(key)]
    told = f" {', '.join(why)}" if why else ""
    detail = f": {entry['detail']}" if entry.get("detail") else ""
    return f"{entry['node']}: {entry['state']}{told}{detail}"


def _event(event: dict[str, Any]) -> str:
    facts = (f"{name}={value}" for name, value in event.items() if name not in _NOT_SHOWN and value)
    return f"{event['kind']}: {' '.join(facts)}"


def _told(turn: str) -> str:
    found = FRAMED.fullmatch(turn)
    if found is None:
        return f"bare: {turn}"
    return f"{found['id']} from {found['sender']}: {found['text']}".replace("\n", " / ")
