"""``fleet-node``: serves one home until it is told to stop. People start it with ``fleet up``."""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import gc
import json
import os
import sys
from pathlib import Path

# gRPC's C core writes every failed handshake to standard error; what matters of it we log ourselves.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import structlog

from fleet.core.errors.base import FleetError
from fleet.logs import set_up
from fleet.outcomes import EXIT_BUG, outcome_of
from fleet.paths import Paths
from node.daemon import Daemon, Options
from node.doors import views
from node.doors.local import error_json
from node.engine.node import Node

log = structlog.get_logger()


def main() -> None:
    """Serve; the exit code says how it ended."""
    arguments = _parser().parse_args()
    set_up(debug=arguments.debug)
    report = _Report(arguments.ready_fd)
    options = Options(
        arguments.home, arguments.name, arguments.listen, not arguments.no_mdns, arguments.metrics
    )
    try:
        asyncio.run(_serve(options, report, arguments))
    except* FleetError as group:
        error = _first(group)
        report.failed(error)
        log.error("node failed", error=error.code, detail=str(error), hint=error.hint)  # noqa: TRY400
        sys.exit(outcome_of(error).exit_code)
    except* Exception as group:
        log.exception("node crashed")
        hint = f"please report it, with the end of {Paths(options.home).log}"
        report.failed(FleetError(f"the node met a bug: {group.exceptions[0]!r}", hint=hint))
        sys.exit(EXIT_BUG)


async def _serve(options: Options, report: _Report, arguments: argparse.Namespace) -> None:
    daemon: Daemon | None = Daemon(options)
    # What lives as long as the node is not looked at again by every collection.
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    if arguments.ready_fd >= 0:
        _to_files(Paths(options.home), debug=arguments.debug)
    while daemon is not None:
        await daemon.run(report.ready)
        daemon = daemon.successor()


def _to_files(paths: Paths, *, debug: bool) -> None:
    """Nobody watches a node in the background: logs go to its home, and so do last words."""
    set_up(debug=debug, file=paths.log)
    descriptor = os.open(paths.errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    faulthandler.enable()


def _first(group: BaseExceptionGroup[FleetError]) -> FleetError:
    """One of the errors; those behind it follow from it."""
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, FleetError)  # noqa: S101 - for the type checkers
    return found


class _Report:
    """One line of JSON to whoever started us: serving, or why not."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def ready(self, node: Node) -> None:
        """Both doors serve."""
        self._say({"ready": views.status(node)})

    def failed(self, error: FleetError) -> None:
        """They never will."""
        self._say({"error": error_json(error), "exit": outcome_of(error).exit_code})

    def _say(self, told: object) -> None:
        if self._descriptor >= 0:
            os.write(self._descriptor, json.dumps(told).encode() + b"\n")
            os.close(self._descriptor)
            self._descriptor = -1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fleet-node", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="what this node keeps, and serves")
    parser.add_argument("--name", default="", help="what people call this node")
    parser.add_argument("--listen", default="", metavar="HOST:PORT", help="where peers reach it")
    parser.add_argument("--no-mdns", action="store_true", help="neither advertise nor browse")
    parser.add_argument(
        "--metrics", default="", metavar="HOST:PORT", help="serve metrics there, on loopback"
    )
    parser.add_argument("--debug", action="store_true", help="log every transition")
    parser.add_argument("--ready-fd", type=int, default=-1, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    main()
