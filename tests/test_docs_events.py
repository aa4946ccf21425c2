"""docs/reference/log-events.md lists exactly the events that the daemon can log and audit."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/reference/log-events.md"
LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error",
          "exception": "error", "critical": "critical"}  # fmt: skip
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def modules() -> list[ast.Module]:
    paths = [p for room in ("fleet", "node") for p in (ROOT / room).rglob("*.py")]
    return [ast.parse(path.read_text()) for path in paths if path.parent.name != "v1"]


def calls(tree: ast.AST) -> Iterator[tuple[str, str, list[ast.expr]]]:
    """Each method call as (what it is called on, method, positional arguments)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield ast.unparse(node.func.value), node.func.attr, node.args


def logged() -> dict[str, str]:
    events: dict[str, str] = {}
    for tree in modules():
        for on, method, args in calls(tree):
            if re.fullmatch(r"(self\.)?_?log(ger)?", on) and method in LEVELS:
                assert isinstance(args[0], ast.Constant), f"not constant: {ast.unparse(args[0])}"
                events[str(args[0].value)] = LEVELS[method]
    return events


def audited() -> set[str]:
    """Every constant that reaches ``audit`` as its first argument, also through other methods."""
    kinds: set[str] = set()
    trees = modules()
    sinks = {
        ("audit", 0)
    }  # methods, and which of their arguments it is; also those of other modules
    while found := {sink for tree in trees for sink in _passed_on(tree, sinks)} - sinks:
        sinks |= found
    for tree in trees:
        for _, method, args in calls(tree):
            for place in (place for name, place in sinks if name == method and place < len(args)):
                match args[place]:
                    case ast.Constant(value=str(kind)):
                        kinds.add(kind)
    return kinds


def _passed_on(tree: ast.AST, sinks: set[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """Methods that hand one of their own parameters to a sink, and which one it is."""
    for function in ast.walk(tree):
        if isinstance(function, FUNCTIONS):
            names = [a.arg for a in function.args.args if a.arg != "self"]
            for _, method, args in calls(function):
                for place in (p for sink, p in sinks if sink == method and p < len(args)):
                    match args[place]:
                        case ast.Name(id=name) if name in names:
                            yield function.name, names.index(name)


def rows(heading: str) -> list[list[str]]:
    """The cells of each row in the table below a heading, without the table's own heading."""
    section = PAGE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def test_every_log_event_is_on_the_page_with_its_level_and_nothing_else_is():
    assert {row[0]: row[1] for row in rows("The daemon's log")} == logged()


def test_every_kind_of_the_audit_log_is_on_the_page_and_nothing_else_is():
    assert {row[0] for row in rows("The audit log")} == audited()


def test_both_tables_are_sorted_so_that_a_person_finds_things():
    for heading in ("The daemon's log", "The audit log"):
        names = [row[0] for row in rows(heading)]
        assert names == sorted(names)
