"""``route``: every layer on the way to an agent's input, with verdict and timing; types nothing."""

from __future__ import annotations

from fleet.cli import render
from fleet.cli.command import Command
from fleet.cli.door import Failed
from fleet.cli.edge import as_json
from fleet.cli.terminal import BOLD, YELLOW, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fleet.cli.command import Invocation, Parser

    Route = dict[str, Any]


def _arguments(parser: Parser) -> None:
    parser.add_argument("to", metavar="TO", help="agent, agent@node or operator@node")
    parser.add_argument(
        "--probe", action="store_true", help="ask the far node to walk its part too, typing nothing"
    )


def _route(call: Invocation) -> int:
    route, code = _walked(call)
    terminal = call.terminal
    if terminal.as_json:
        terminal.data(route)
        return code
    where = f" → {route['address']}" if route["address"] else ""
    terminal.say(terminal.paint(plain(f"{route['query']}{where}"), BOLD))
    rows = [
        (step["layer"], step["verdict"], _length(step), step["detail"]) for step in route["steps"]
    ]
    render.table(terminal, ("LAYER", "VERDICT", "TOOK", "DETAIL"), rows)
    for one in route["candidates"]:
        terminal.say(plain(f"  {one['address']}  on {one['node']}, {one['state']}"))
    if code:
        remedy = route["remedy"] or "fleet doctor checks this host"
        terminal.say(f"{terminal.paint('remedy', YELLOW)}  {plain(remedy)}")
    return code


def _walked(call: Invocation) -> tuple[Route, int]:
    """The node's walk; where no node runs, that is the layer that fails."""
    from fleet.core.errors.base import LAYERS, FleetError
    from fleet.core.errors.nodes import NodeNotRunning
    from fleet.outcomes import outcome_of

    try:
        answer = call.ask("route", to=call.given.to, probe=call.given.probe)
    except NodeNotRunning as error:
        steps = [_step("input", "ok", "not read: only a node can")]
        steps.append({**_step("local-node", "fail", error.message), "error": error.code})
        steps += [_step(layer, "skipped", "not reached") for layer in LAYERS[2:]]
        return _alone(call, steps, error), outcome_of(error).exit_code
    except Failed as failed:
        if failed.error.get("layer") not in LAYERS:
            raise
        told = FleetError(str(failed), hint=str(failed.error.get("hint", "")))
        layer = failed.error["layer"]
        steps = [_step(layer, "fail", str(failed))]
        steps += [_step(one, "skipped", "not reached") for one in LAYERS if one != layer]
        steps.sort(key=lambda step: LAYERS.index(step["layer"]))
        return {**_alone(call, steps, told), "error": failed.error}, failed.exit_code
    return answer.result, answer.exit_code


def _step(layer: str, verdict: str, detail: str) -> dict[str, Any]:
    return {"layer": layer, "verdict": verdict, "detail": detail, "ms": 0.0, "error": ""}


def _alone(call: Invocation, steps: list[dict[str, Any]], error: Any) -> Route:
    return {
        "query": call.given.to,
        "address": None,
        "candidates": [],
        "steps": steps,
        "remedy": error.hint,
        "error": as_json(error),
    }


def _length(step: dict[str, Any]) -> str:
    return f"{step['ms']:.1f} ms" if step["verdict"] != "skipped" else ""


COMMANDS = {"route": Command(_route, _arguments, "fleet route rin@nova --probe")}
