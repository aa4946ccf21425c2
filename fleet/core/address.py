"""Names: what people type (a query) and the one agent meant (an address).

Grammar: ``[team/]agent[@node[~idprefix]]``; ``node:agent`` is accepted on input because people have
it in their fingers. Names are compared without case and kept in lower case. One form is printed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from fleet.core.errors.requests import MalformedName

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
NODE_ID = re.compile(r"[a-z2-7]{52}")
_QUERY = re.compile(
    r"(?:(?P<team>[a-z0-9][a-z0-9._-]{0,62})/)?"
    r"(?P<agent>[a-z0-9][a-z0-9._-]{0,62})"
    r"(?:@(?P<node>[a-z0-9][a-z0-9._-]{0,62})(?:~(?P<prefix>[a-z2-7]{1,52}))?)?"
)
_COLON = re.compile(r"(?P<node>[a-z0-9._~-]+):(?P<rest>[a-z0-9._/-]+)")

OPERATOR = "operator"
"""The person at a node: may send and be sent to, has an inbox but no pane."""
NODE_ITSELF = "fleet"
"""Who a node's own notices are from; nobody answers there."""
TEAM_SIGN = "@"
"""Before a team's name: everybody in it."""
RESERVED = frozenset({OPERATOR, NODE_ITSELF})


@dataclass(frozen=True, slots=True)
class Query:
    """What was typed, taken apart. ``node`` and ``node_prefix`` are empty when not given."""

    agent: str
    node: str = ""
    node_prefix: str = ""
    team: str = ""

    def __str__(self) -> str:
        team = f"{self.team}/" if self.team else ""
        prefix = f"~{self.node_prefix}" if self.node_prefix else ""
        node = f"@{self.node}{prefix}" if self.node else ""
        return f"{team}{self.agent}{node}"


class Address(NamedTuple):
    """One agent on one node. ``node`` is how the node is called here, ``node_id`` who it is."""

    agent: str
    node: str
    node_id: str

    def __str__(self) -> str:
        return f"{self.agent}@{self.node}"


@lru_cache(maxsize=4096)
def parse_query(text: str) -> Query:
    """Take apart what a person typed.

    Raises:
        MalformedName: saying which part breaks the grammar.
    """
    typed = text.strip().lower()
    if colon := _COLON.fullmatch(typed):
        typed = f"{colon['rest']}@{colon['node']}"
    found = _QUERY.fullmatch(typed)
    if found is None:
        raise MalformedName(text, _why(typed))
    return Query(found["agent"], found["node"] or "", found["prefix"] or "", found["team"] or "")


def parse_name(text: str) -> str:
    """One plain name (of an agent, a node, a team) in its stored form.

    Raises:
        MalformedName: it has an address's punctuation, is reserved, has the form of a node id
            (grants name nodes by id, and a label must never pass for one), or breaks the grammar.
    """
    name = text.strip().lower()
    if NAME.fullmatch(name) is None:
        raise MalformedName(text, _why(name, plain=True))
    if name in RESERVED:
        raise MalformedName(
            text, f"{name} is reserved: nodes and their people speak under such names"
        )
    if NODE_ID.fullmatch(name):
        raise MalformedName(text, "it could be mistaken for a node's id")
    return name


def label_from(text: str) -> str:
    """The nearest well-formed name to any text, for defaults such as a host's name."""
    cleaned = re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("._-")[:63].rstrip("._-")
    try:
        return parse_name(cleaned)
    except MalformedName:
        return "node"


def _why(typed: str, *, plain: bool = False) -> str:
    if not typed:
        return "it is empty"
    if plain and (punctuation := re.search(r"[/@~:]", typed)):
        return f"{punctuation[0]!r} belongs to an address, and this is one name"
    if typed.count("@") > 1:
        return "it has more than one @"
    for part in re.split(r"[/@~:]", typed):
        if not part:
            return "a part of it is empty"
        if len(part) > 63:  # noqa: PLR2004 - the grammar's own number
            return "a part of it is longer than 63 characters"
        if bad := re.search(r"[^a-z0-9._-]", part):
            return f"{bad[0]!r} is not allowed"
        if part[0] in "._-":
            return f"a part of it begins with {part[0]!r}"
    if prefix := re.search(r"@[^@~]+~([^@~/:]+)$", typed):
        return f"{prefix[1]!r} begins no node id: those are 52 characters of a-z 2-7"
    return "its parts are in the wrong order"
