"""The blocks of one file: by tree-sitter, by its headings, or by ctags."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from tree_sitter import Language, Node, Parser

from fleet.core.collide import Kind

MAX_BYTES = 2_000_000
"""A file that is longer is one block: it was not written by hand."""
CTAGS_TIMEOUT_S = 10.0

_GRAMMARS = {
    ".py": ("tree_sitter_python", "language"),
    ".pyi": ("tree_sitter_python", "language"),
    ".go": ("tree_sitter_go", "language"),
    ".js": ("tree_sitter_javascript", "language"),
    ".jsx": ("tree_sitter_javascript", "language"),
    ".mjs": ("tree_sitter_javascript", "language"),
    ".rs": ("tree_sitter_rust", "language"),
    ".ts": ("tree_sitter_typescript", "language_typescript"),
    ".tsx": ("tree_sitter_typescript", "language_tsx"),
}
_DOCUMENTS = frozenset({".md", ".markdown"})
_FUNCTIONS = frozenset(
    {
        "function_definition", "function_declaration", "generator_function_declaration",
        "method_declaration", "method_definition", "function_item",
    }
)  # fmt: skip
_CLASSES = frozenset(
    {
        "class_definition", "class_declaration", "abstract_class_declaration", "impl_item",
        "trait_item", "mod_item",
    }
)  # fmt: skip
_IMPORTS = frozenset(
    {
        "import_statement", "import_from_statement", "future_import_statement", "import_declaration",
        "use_declaration", "package_clause",
    }
)  # fmt: skip
_WRAPPERS = frozenset({"decorated_definition", "export_statement"})
_IDENTIFIERS = frozenset({"identifier", "type_identifier", "property_identifier"})
_NAME_CHARS = 80
_HEADING = re.compile(rb"^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_FENCE = re.compile(rb"^ {0,3}(```|~~~)")
_CTAGS_FUNCTIONS = frozenset(
    {"function", "method", "func", "subroutine", "procedure", "singletonMethod"}
)


class Place(NamedTuple):
    """A block and its lines, from 0, ``end`` not among them."""

    kind: Kind
    name: str
    start: int
    end: int


def places(path: str, text: bytes) -> tuple[Place, ...]:
    """The blocks of a file, in its order; none of a file that nobody here can read. Reads nothing but the
    text; ctags, where it is used, is told to read no options of anybody's.
    """
    suffix = Path(path).suffix.lower()
    if suffix in _DOCUMENTS:
        return _sections(text)
    grammar = _GRAMMARS.get(suffix)
    if grammar is not None:
        return _numbered(_parsed(*grammar, text))
    return _numbered(_tagged(suffix, text))


def _parsed(module: str, function: str, text: bytes) -> list[Place]:
    grammar: object = getattr(import_module(module), function)()
    language = Language(grammar)
    found: list[Place] = []
    for node in Parser(language).parse(text).root_node.named_children:
        _collect(node, "", found)
    return found


def _collect(outer: Node, within: str, found: list[Place]) -> None:
    """Put a statement's blocks into the list: a class falls into its methods and what lies between them."""
    start, end = outer.start_point[0], outer.end_point[0] + 1
    node = _unwrapped(outer)
    name = f"{within}{_name(node)}"
    if node.type in _IMPORTS and not within:
        if found and found[-1].kind is Kind.IMPORTS:  # with the blank lines and remarks between
            start = found.pop().start
        found.append(Place(Kind.IMPORTS, "imports", start, end))
    elif node.type in _FUNCTIONS:
        found.append(Place(Kind.FUNCTION, name, start, end))
    elif node.type in _CLASSES:
        body = node.child_by_field_name("body")
        members = body.named_children if body is not None else []
        at = start
        for member in members:
            if _unwrapped(member).type in _FUNCTIONS | _CLASSES:
                if member.start_point[0] > at:
                    found.append(Place(Kind.CLASS, name, at, member.start_point[0]))
                _collect(member, f"{name}.", found)
                at = max(at, found[-1].end)
        if end > at:
            found.append(Place(Kind.CLASS, name, at, end))
    elif not node.type.endswith("comment"):
        found.append(Place(Kind.BLOCK, name, start, end))


def _unwrapped(node: Node) -> Node:
    """What is decorated or exported."""
    if node.type in _WRAPPERS:
        inner = node.child_by_field_name("definition") or node.child_by_field_name("declaration")
        return inner or node
    return node


def _name(node: Node) -> str:
    """What a statement is called: its name, or the first identifier in it. A method of Go goes by its
    receiver too, an ``impl`` of Rust by its type."""
    named = node.child_by_field_name("name") or node.child_by_field_name("type")
    name = _text(named) if named is not None else _identifier(node) or node.type
    receiver = node.child_by_field_name("receiver")
    if receiver is not None:
        of = _identifier(receiver, frozenset({"type_identifier"}))
        name = f"{of}.{name}" if of else name
    return name


def _identifier(node: Node, kinds: frozenset[str] = _IDENTIFIERS) -> str:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one.type in kinds:
            return _text(one)
        waiting += reversed(one.named_children)
    return ""


def _text(node: Node) -> str:
    said = (node.text or b"").decode("utf-8", "replace")
    return " ".join(said.split())[:_NAME_CHARS]


def _sections(text: bytes) -> tuple[Place, ...]:
    """The sections of a document, each from its heading to the next of any level; what comes before the first
    is one too."""
    starts: list[tuple[int, str]] = [(0, "")]
    lines = text.splitlines()
    is_fenced = False
    for number, line in enumerate(lines):
        is_fenced ^= _FENCE.match(line) is not None
        heading = _HEADING.match(line)
        if heading is not None and not is_fenced:
            starts.append((number, heading[2].decode("utf-8", "replace")[:_NAME_CHARS]))
    ends = [start for start, _ in starts[1:]] + [len(lines)]
    found = [
        Place(Kind.SECTION, name or "top", start, end)
        for (start, name), end in zip(starts, ends, strict=True)
        if end > start
    ]
    return _numbered(found)


def _tagged(suffix: str, text: bytes) -> list[Place]:
    """What universal-ctags says, functions and what is not in one; nothing when it is not there, or does not
    know such files."""
    if not suffix or not suffix[1:].isalnum():
        return []
    with tempfile.TemporaryDirectory(prefix="fleet-blocks-") as folder:
        source = Path(folder, f"source{suffix}")
        source.write_bytes(text)
        try:
            told = subprocess.run(
                ["ctags", "--options=NONE", "--output-format=json", "--fields=+neKZ", "--sort=no",
                 "-f", "-", str(source)],
                check=True, capture_output=True, timeout=CTAGS_TIMEOUT_S, cwd=folder,
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
            ).stdout  # fmt: skip
        except (OSError, subprocess.SubprocessError):
            return []
    return _of_tags([json.loads(line) for line in told.splitlines()])


def _of_tags(tags: list[dict[str, Any]]) -> list[Place]:
    found = [
        Place(Kind.FUNCTION, ".".join(filter(None, (tag.get("scope"), tag["name"]))),
              tag["line"] - 1, tag["end"])
        for tag in tags
        if tag.get("kind") in _CTAGS_FUNCTIONS and "end" in tag
    ]  # fmt: skip
    return sorted(found, key=lambda one: one.start)


def _numbered(found: list[Place]) -> tuple[Place, ...]:
    """Two blocks of one name are told apart by their number, but for the imports and the parts of a class."""
    seen: dict[tuple[Kind, str], int] = {}
    told: list[Place] = []
    for place in found:
        key = (place.kind, place.name)
        seen[key] = seen.get(key, 0) + 1
        is_one = place.kind in {Kind.IMPORTS, Kind.CLASS} or seen[key] == 1
        told.append(place if is_one else place._replace(name=f"{place.name} ({seen[key]})"))
    return tuple(told)
