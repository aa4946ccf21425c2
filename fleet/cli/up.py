"""``up`` and ``down``: start this home's node and come back when it serves; stop it.

The node tells through a pipe that it serves, or why it never will. It runs in a session of its own,
so neither Ctrl-C nor the end of this terminal reaches it.
"""

from __future__ import annotations

import json
import os
import sys

from fleet.cli.command import Command, nothing
from fleet.cli.door import Answer, Broken, Door, Failed
from fleet.cli.status import describe
from fleet.cli.terminal import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fleet.cli.command import Invocation, Parser

READY_S = 60.0
"""A node that is not up by then is told to end; a big database takes seconds."""
_OTHER_S = 10.0  # how long another `fleet up`, which was faster, may still take
_NO_DOOR_S = (
    5.0  # a node that stops closes its door first; one that starts, or starts anew, has none yet
)
_LOOK_S = 0.05
STOP_S = 30.0
"""A node stops within its drain, 10 s at most, and the last group commit."""
_OURS = (
    "TMUX",
    "TMUX_PANE",
    "FLEET_AGENT",
    "FLEET_NODE",
    "FLEET_TEAM",
    "FLEET_ROLE",
    "FLEET_INCARNATION",
)
"""What says where this command was typed, and is not true of the node."""


def _arguments(parser: Parser) -> None:
    parser.add_argument(
        "--name", metavar="N", help="what people call this node (default: the host's)"
    )
    parser.add_argument("--listen", metavar="HOST:PORT", help="where peers reach it")
    parser.add_argument(
        "--no-mdns", action="store_true", help="neither announce nor look for others"
    )
    parser.add_argument(
        "--metrics", metavar="HOST:PORT", help="serve metrics for Prometheus there, on loopback"
    )
    parser.add_argument("--foreground", action="store_true", help="do not detach; Ctrl-C ends it")


def _up(call: Invocation) -> int:
    running = _running(call.home)
    if running is not None:
        return _told(call, _agreed(call, running), fresh=False)
    if call.given.foreground:
        os.chdir("/")
        os.execve(sys.executable, _words(call), _environment(call))
    said = _start(call)
    if "ready" in said:
        return _told(call, said["ready"], fresh=True)
    failure = (said["error"]["code"], said["error"]["layer"])
    if failure == ("wrong_state", "local-node") and (other := _faster(call.home)):
        return _told(call, _agreed(call, other), fresh=False)
    raise Failed(said["error"], int(said["exit"]))


def _running(home: str) -> dict[str, Any] | None:
    """The status of the node that serves this home, if one does."""
    from fleet.core.errors.nodes import NodeNotRunning

    try:
        door = Door(home)
    except NodeNotRunning:
        return None
    try:
        answer: Answer = door.ask("status", {})
    except Broken:
        return None
    finally:
        door.close()
    status: dict[str, Any] = answer.result
    return status


def _agreed(call: Invocation, status: dict[str, Any]) -> dict[str, Any]:
    """The running node's status, if it is what was asked for."""
    from fleet.core.errors.requests import WrongState

    name, listen = call.given.name, call.given.listen
    if name and name.lower() != str(status["node"]).partition("~")[0]:
        raise WrongState(
            f"a node serves {call.home} already, and is called {status['node']}, not {name}",
            hint="names are in the signed roster; a fresh home can have another: --home DIR",
        )
    if listen and not _fits(listen, str(status["listen"])):
        raise WrongState(
            f"a node serves {call.home} already, and listens on {status['listen']}, not {listen}",
            hint=f"fleet down, then fleet up --listen {listen}",
        )
    metrics, served = call.given.metrics, str(status.get("metrics") or "")
    if metrics and not _fits(metrics, served):
        raise WrongState(
            f"a node serves {call.home} already, and metrics {f'on {served}' if served else 'nowhere'}",
            hint=f"fleet down, then fleet up --metrics {metrics}",
        )
    return status


def _fits(asked: str, bound: str) -> bool:
    host, _, port = asked.rpartition(":")
    bound_host, _, bound_port = bound.rpartition(":")
    return host == bound_host and port in {"0", bound_port}


def _words(call: Invocation) -> list[str]:
    # -P: a folder called node in the current directory is not the node.
    words = [sys.executable, "-P", "-m", "node", "--home", call.home]
    for option in ("name", "listen", "metrics"):
        if value := getattr(call.given, option):
            words += [f"--{option}", value]
    return [*words, "--no-mdns"] if call.given.no_mdns else words


def _environment(call: Invocation) -> dict[str, str]:
    return {name: value for name, value in call.environ.items() if name not in _OURS}


def _start(call: Invocation) -> dict[str, Any]:
    """Start it and wait for its one line."""
    import subprocess
    import tempfile

    call.terminal.passing("starting the node …")
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as early, open(reading, "rb") as ready:
        process = subprocess.Popen(
            [*_words(call), "--ready-fd", str(writing)],
            env=_environment(call),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=early,
            stderr=subprocess.STDOUT,
            pass_fds=[writing],
            start_new_session=True,
        )
        os.close(writing)
        line = _line(ready.fileno())
        if line is None:
            process.terminate()
            return _failed(f"the node is not ready after {READY_S:.0f} s and was told to end", call)
        if line:
            said: dict[str, Any] = json.loads(line)
            return said
        code = process.wait()
        early.seek(0)
        return _failed(_last_words(early.read()) or f"it ended with code {code}", call)


def _line(descriptor: int) -> bytes | None:
    """What the node says, up to its end: empty if it ended, nothing if it takes too long."""
    import select
    import time

    heard, until_s = b"", time.monotonic() + READY_S
    while not heard.endswith(b"\n"):
        left_s = until_s - time.monotonic()
        if left_s <= 0 or not select.select([descriptor], [], [], left_s)[0]:
            return None
        piece = os.read(descriptor, 65_536)
        if not piece:
            return b""
        heard += piece
    return heard


def _last_words(said: bytes) -> str:
    lines = said.decode(errors="backslashreplace").strip().splitlines()
    return lines[-1] if lines else ""


def _failed(why: str, call: Invocation) -> dict[str, Any]:
    from fleet.cli.edge import as_json
    from fleet.core.errors.nodes import StartFailed
    from fleet.outcomes import outcome_of

    hint = f"fleet up --foreground shows more; so does {call.home}/log, once there is one"
    error = StartFailed(why, hint=hint)
    return {"error": as_json(error), "exit": outcome_of(error).exit_code}


def _faster(home: str) -> dict[str, Any] | None:
    """The status of the node that another `fleet up` is starting on this home at this moment."""
    import time

    until_s = time.monotonic() + _OTHER_S
    while time.monotonic() < until_s:
        if status := _running(home):
            return status
        time.sleep(0.05)
    return None


def _told(call: Invocation, status: dict[str, Any], *, fresh: bool) -> int:
    if call.terminal.as_json:
        call.terminal.data(status)
        return 0
    done = "is up" if fresh else "is up already"
    call.terminal.say(plain(f"{status['node']} {done}, listening on {status['listen']}"))
    describe(call.terminal, status)
    return 0


def _down(call: Invocation) -> int:
    told = _told_to_stop(call)
    if told is None:
        if call.terminal.as_json:
            call.terminal.data({"stopped": None})
        else:
            call.terminal.note(f"no node is running for {call.home}")
        return 0
    process, pid = told
    _ended(call, process, pid)
    if call.terminal.as_json:
        call.terminal.data({"stopped": pid})
    else:
        call.terminal.say("stopped")
    return 0


def _told_to_stop(call: Invocation) -> tuple[int, int] | None:
    """The node's process, held, and its id, when it was told to stop; nothing when no node runs.

    No door is no proof that none does: it may be about to open one.

    Raises:
        WrongState: one runs, and cannot be told to stop.
    """
    import time

    from fleet.core.errors.nodes import NodeNotRunning
    from fleet.core.errors.requests import WrongState

    end_s = time.monotonic() + _NO_DOOR_S
    while True:
        try:
            pid = int(call.ask("status").result["pid"])
            # Held before it is told to stop: a process id can be given to another process at any time.
            process = os.pidfd_open(pid)
            call.ask("stop")
        except (NodeNotRunning, ProcessLookupError):
            if not _is_served(call.home):
                return None
        else:
            return process, pid
        if time.monotonic() > end_s:
            raise WrongState(
                f"a node serves {call.home}, and its door is gone or somebody else's",
                hint="if it is only just starting: again in a moment; else end its process, which stops"
                f" it as well: pkill -f 'node --home {call.home}'",
            )
        time.sleep(_LOOK_S)


def _is_served(home: str) -> bool:
    """Whether a node runs: it holds the folder of its door, as long as it lives."""
    import fcntl

    try:
        folder = os.open(os.path.join(home, "run"), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(folder, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(folder)
    return False


def _ended(call: Invocation, process: int, pid: int) -> None:
    """Wait for the node's process; it may still type what it began."""
    import select

    from fleet.core.errors.requests import WrongState

    call.terminal.passing("stopping: what is being typed comes to its end …")
    ended, _, _ = select.select([process], [], [], STOP_S)
    os.close(process)
    if not ended:
        raise WrongState(
            f"the node, process {pid}, is still stopping after {STOP_S:.0f} s",
            hint=f"fleet status; what it is at: {call.home}/log",
        )


COMMANDS = {
    "up": Command(_up, _arguments, "fleet up --name nova"),
    "down": Command(_down, nothing, "fleet down"),
}
