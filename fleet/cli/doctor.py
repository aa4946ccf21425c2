"""``doctor``: this host, layer by layer, from the disk up to the peers; names the first that fails.

It looks with its own eyes where it can, so that it can tell something when no node runs.
"""

from __future__ import annotations

import os
import stat
import time

from fleet.cli import render
from fleet.cli.command import Command
from fleet.cli.door import Failed
from fleet.cli.terminal import YELLOW, plain
from fleet.paths import DOOR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from fleet.cli.command import Invocation, Parser

    Status = dict[str, Any]

EXIT_FAILED = 8
_LEAST_TMUX = (3, 2)
_FEW_FREE_BYTES = 256 * 1024 * 1024
_LEAST_FREE_BYTES = 8 * 1024 * 1024
"""Below this a node does not start: ``node/adapters/home.py``."""
_PRIVATE = 0o700


class Finding:
    """What one check saw. ``warn`` is worth a look and breaks nothing."""

    __slots__ = ("check", "detail", "layer", "remedy", "verdict")

    def __init__(self, check: str, layer: str, verdict: str, detail: str, remedy: str = "") -> None:
        self.check = check
        self.layer = layer
        self.verdict = verdict
        self.detail = detail
        self.remedy = remedy if verdict != "ok" else ""

    def as_json(self) -> dict[str, str]:
        """As programs read it."""
        return {name: getattr(self, name) for name in sorted(self.__slots__)}


def _arguments(parser: Parser) -> None:
    parser.add_argument(
        "--bundle",
        metavar="FILE",
        nargs="?",
        const="",
        help="also write a support bundle, redacted (default: a file here, named after the time)",
    )


def _doctor(call: Invocation) -> int:
    findings = list(_examine(call))
    failed = [finding for finding in findings if finding.verdict == "fail"]
    checks = [one.as_json() for one in findings]
    bundle = _bundle(call, checks)
    terminal = call.terminal
    if terminal.as_json:
        layer = failed[0].layer if failed else None
        terminal.data({"checks": checks, "failed": layer, "bundle": bundle})
        return EXIT_FAILED if failed else 0
    rows = [(one.check, one.verdict, one.detail) for one in findings]
    render.table(terminal, ("CHECK", "VERDICT", "DETAIL"), rows)
    for one in findings:
        if one.remedy:
            terminal.say(f"{terminal.paint(one.check, YELLOW)}  {plain(one.remedy)}")
    if bundle:
        terminal.note(f"written: {bundle}; look through it before you send it to anybody")
    return EXIT_FAILED if failed else 0


def _bundle(call: Invocation, checks: list[dict[str, str]]) -> str | None:
    if call.given.bundle is None:
        return None
    from fleet.cli.bundle import write

    return write(call, checks, call.given.bundle)


def _examine(call: Invocation) -> Iterator[Finding]:
    yield _tmux()
    yield from _permissions(call.home)
    yield _disk(call.home)
    yield _config(call.home)
    status, node = _node(call)
    yield node
    if status is None:
        return
    yield from _door(call, status)
    yield _clock(call)
    yield _store(call, status)
    yield _port(status)
    yield _mdns(status)
    yield from _peers(status)
    yield from _agents(call)


def _tmux() -> Finding:
    import re
    import subprocess

    remedy = "install tmux 3.2 or newer: apt install tmux, dnf install tmux, brew install tmux"
    try:
        done = subprocess.run(["tmux", "-V"], capture_output=True, text=True, check=False)
    except OSError as error:
        return Finding("tmux", "tmux", "fail", f"cannot be run: {error.strerror}", remedy)
    said = done.stdout.strip()
    found = re.search(r"(\d+)\.(\d+)", said)
    if found is None:
        return Finding("tmux", "tmux", "warn", f"{said or 'it'} does not tell its version", remedy)
    is_enough = (int(found[1]), int(found[2])) >= _LEAST_TMUX
    return Finding("tmux", "tmux", "ok" if is_enough else "fail", said, remedy)


def _permissions(home: str) -> Iterator[Finding]:
    try:
        found = os.lstat(home)
    except OSError as error:
        yield Finding(
            "home", "local-node", "fail", f"{home}: {error.strerror}", "fleet up makes it"
        )
        return
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISDIR(found.st_mode):
        remedy = "move it away, or take another home: --home DIR"
        yield Finding("home", "local-node", "fail", f"{home} is not a folder", remedy)
    elif found.st_uid != os.getuid():
        remedy = "take a home of your own: --home DIR"
        yield Finding("home", "local-node", "fail", f"{home} is user {found.st_uid}'s", remedy)
    elif mode & ~_PRIVATE:
        detail = f"{home}: others can reach it (mode {mode:o})"
        yield Finding("home", "local-node", "fail", detail, f"chmod 700 {home}")
    else:
        yield Finding("home", "local-node", "ok", f"{home}, mode {mode:o}, yours")
    door = os.path.join(home, DOOR)
    if os.path.lexists(door) and not stat.S_ISSOCK(os.lstat(door).st_mode):
        remedy = f"move it away: {door}"
        yield Finding("socket", "local-node", "fail", f"{door} is not a socket", remedy)


def _disk(home: str) -> Finding:
    place = home
    while not os.path.exists(place):
        place = os.path.dirname(place)
    found = os.statvfs(place)
    free = found.f_bavail * found.f_frsize
    detail = f"{free // 1024**2} MiB free at {place}"
    enough = "warn" if free >= _LEAST_FREE_BYTES else "fail"
    verdict = "ok" if free >= _FEW_FREE_BYTES else enough
    return Finding("disk", "store", verdict, detail, "make room there")


def _config(home: str) -> Finding:
    from pathlib import Path

    from fleet.config import load
    from fleet.core.errors.base import FleetError
    from fleet.paths import Paths
    from fleet.profiles import load as load_profiles

    paths = Paths(Path(home))
    path = paths.config
    try:
        load(path)
        load_profiles(paths.profiles)
    except FleetError as error:
        return Finding("config", "input", "fail", error.message, error.hint)
    return Finding("config", "input", "ok", str(path) if path.exists() else "none, the defaults")


def _node(call: Invocation) -> tuple[Status | None, Finding]:
    from fleet.core.errors.base import FleetError

    try:
        status: Status = call.ask("status").result
    except (FleetError, Failed) as error:
        told = error.error if isinstance(error, Failed) else {"hint": error.hint}
        return None, Finding("node", "local-node", "fail", str(error), str(told["hint"]))
    detail = f"{status['node']}, process {status['pid']}, version {status['version']}"
    return status, Finding("node", "local-node", "ok", detail)


def _door(call: Invocation, status: Status) -> Iterator[Finding]:
    """What the node says of itself: whether it takes messages, and what it can be asked."""
    from importlib.metadata import version

    restart = "fleet down, then fleet up"
    if status["version"] != version("fleet"):
        detail = f"it is version {status['version']}, and this command {version('fleet')}"
        yield Finding("version", "local-node", "warn", detail, restart)
    try:
        health = call.ask("health").result
        calls = call.ask("calls").result
    except Failed as failed:
        if failed.error["code"] != "unknown_call":
            raise
        yield Finding("ready", "local-node", "warn", "it is too old to say", restart)
        return
    if health["ready"]:
        yield Finding("ready", "local-node", "ok", "it takes messages, and writes them down")
    for why in health["why"]:
        remedy = f"what it says about itself is in {call.home}/log"
        yield Finding("ready", why["layer"], "fail", why["detail"], remedy)
    anyones = sum(one["for"] == "anyone" for one in calls)
    detail = f"{len(calls)} calls, {anyones} of them for agents too"
    yield Finding("door", "local-node", "ok", detail)


def _clock(call: Invocation) -> Finding:
    """Clocks decide nothing about trust; but expiry and what people read depend on them."""
    door_log = _last_event(call)
    behind_s = (render.clock_s(door_log) or 0.0) - time.time() if door_log else 0.0
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    if behind_s > 1:
        detail = f"{now} is {render.span(behind_s)} before what was logged last"
        return Finding("clock", "local-node", "warn", detail, "set this host's clock: timedatectl")
    return Finding("clock", "local-node", "ok", now)


def _last_event(call: Invocation) -> str:
    from fleet.cli.door import PATIENCE_S, Broken, Door

    door = Door(call.home)
    seen: list[dict[str, Any]] = []
    try:
        door.ask("log", {"lines": 1, "follow": False}, patience_s=PATIENCE_S, hear=seen.append)
    except (Broken, Failed):
        return ""  # an agent may not read the log
    finally:
        door.close()
    return str(seen[-1]["item"]["at"]) if seen else ""


def _store(call: Invocation, status: Status) -> Finding:
    walked = call.ask("route", to=f"operator@{status['node']}").result
    step = next(step for step in walked["steps"] if step["layer"] == "store")
    remedy = f"the database is in {call.home}; is its disk full, or read-only?"
    verdict = "ok" if step["verdict"] == "ok" else "fail"
    return Finding("database", "store", verdict, f"{step['detail']} ({step['ms']:.1f} ms)", remedy)


def _port(status: Status) -> Finding:
    import socket

    host, _, port = str(status["listen"]).rpartition(":")
    host = {"0.0.0.0": "127.0.0.1", "[::]": "::1"}.get(host, host.strip("[]"))  # noqa: S104
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError as error:
        detail = f"{status['listen']}: {error.strerror or error}"
        remedy = "is a local firewall in the way? else: fleet down, fleet up --listen HOST:PORT"
        return Finding("port", "network", "fail", detail, remedy)
    return Finding("port", "network", "ok", f"{status['listen']} takes connections")


def _mdns(status: Status) -> Finding:
    told = str(status.get("mdns"))
    if told == "off":
        return Finding("mdns", "network", "ok", "off, as configured; known addresses are dialled")
    remedy = "peers are still found at known addresses: fleet nodes; config: peers"
    verdict = "ok" if told == "on" else "warn"
    return Finding("mdns", "network", verdict, told, remedy)


def _peers(status: Status) -> Iterator[Finding]:
    for peer in status["peers"]:
        check = f"peer {peer['node']}"
        if peer["state"] != "connected":
            why = peer.get("trouble") or f"last seen {render.ago(peer.get('last_seen')) or 'never'}"
            yield Finding(check, "network", "warn", why, "on that host: fleet status, fleet doctor")
        elif peer.get("version") != status["version"]:
            detail = f"connected, version {peer.get('version')}, this one {status['version']}"
            yield Finding(check, "rpc", "warn", detail, "the same version on both is safest")
        else:
            yield Finding(check, "rpc", "ok", f"connected, version {peer['version']}")


def _agents(call: Invocation) -> Iterator[Finding]:
    for agent in call.ask("ls").result:
        if agent.get("policy") is None:
            continue  # on another node, whose doctor sees more
        is_fine = agent["state"] in {"ready", "busy"}
        detail = agent["state"] + (f", {agent['held']} held" if agent.get("held") else "")
        remedy = f"fleet route {agent['address']} says what is in the way"
        verdict = "ok" if is_fine else "warn"
        yield Finding(f"agent {agent['name']}", "agent", verdict, detail, remedy)


COMMANDS = {"doctor": Command(_doctor, _arguments, "fleet doctor --bundle")}
