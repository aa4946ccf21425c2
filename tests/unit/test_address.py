"""What people type is a name by the grammar, or an error that says which part is not."""

import pytest

from fleet.core.address import Address, Query, label_from, parse_name, parse_query
from fleet.core.errors.requests import MalformedName

LONGEST = "a" * 63
NODE_ID = "k3" * 26
NO_PREFIX = "begins no node id: those are 52 characters of a-z 2-7"
ADDRESS = "belongs to an address, and this is one name"
RESERVED = "is reserved: nodes and their people speak under such names"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("rin", Query("rin")),
        ("RIN@Nova", Query("rin", "nova")),
        ("  rin\n", Query("rin")),
        ("0.a_b-c", Query("0.a_b-c")),
        ("rin-.", Query("rin-.")),
        (f"{LONGEST}@{LONGEST}", Query(LONGEST, LONGEST)),
        ("nova:rin", Query("rin", "nova")),
        ("ship/lead", Query("lead", team="ship")),
        ("ship/lead@nova", Query("lead", "nova", team="ship")),
        ("nova:ship/lead", Query("lead", "nova", team="ship")),
        ("rin@nova~k3jq", Query("rin", "nova", "k3jq")),
        ("rin@nova~K", Query("rin", "nova", "k")),
        ("nova~k3jq:rin", Query("rin", "nova", "k3jq")),
        (f"rin@nova~{NODE_ID}", Query("rin", "nova", NODE_ID)),
        ("ship/lead@nova~k3jq", Query("lead", "nova", "k3jq", "ship")),
    ],
)
def test_every_form_of_the_grammar_is_understood(typed: str, meant: Query):
    assert parse_query(typed) == meant


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("rin@nova@mba", "it has more than one @"),
        ("rin@", "a part of it is empty"),
        ("@nova", "a part of it is empty"),
        ("ship/", "a part of it is empty"),
        ("/lead", "a part of it is empty"),
        (":rin", "a part of it is empty"),
        ("nova:", "a part of it is empty"),
        ("rin@nova~", "a part of it is empty"),
        (LONGEST + "a", "a part of it is longer than 63 characters"),
        (f"rin@{LONGEST}a", "a part of it is longer than 63 characters"),
        (f"{LONGEST}@rin nova", "' ' is not allowed"),
        ("rin\x1b[2J", r"'\x1b' is not allowed"),
        ("rîn", "'î' is not allowed"),
        ("r*", "'*' is not allowed"),
        ("=rin", "'=' is not allowed"),
        ("rin\nnova", r"'\n' is not allowed"),
        ("-rin", "a part of it begins with '-'"),
        ("rin@.nova", "a part of it begins with '.'"),
        ("_/rin", "a part of it begins with '_'"),
        ("a/b/c", "its parts are in the wrong order"),
        ("a:b:c", "its parts are in the wrong order"),
        ("nova:rin@nova", "its parts are in the wrong order"),
        ("rin~k3jq", "its parts are in the wrong order"),
        ("rin@ship/lead", "its parts are in the wrong order"),
        ("rin@nova~k1", f"'k1' {NO_PREFIX}"),
        ("nova~k1:rin", f"'k1' {NO_PREFIX}"),
        (f"rin@nova~{NODE_ID}k", f"'{NODE_ID}k' {NO_PREFIX}"),
    ],
)
def test_what_breaks_the_grammar_is_refused_with_the_part_that_does(typed: str, why: str):
    with pytest.raises(MalformedName) as refused:
        parse_query(typed)
    assert str(refused.value) == f"{typed!r} is not a name: {why}"
    assert "agent@node" in refused.value.hint


@pytest.mark.parametrize(
    ("query", "printed"),
    [
        (Query("rin"), "rin"),
        (Query("rin", "nova"), "rin@nova"),
        (Query("rin", "nova", "k3jq"), "rin@nova~k3jq"),
        (Query("lead", "nova", "k3jq", "ship"), "ship/lead@nova~k3jq"),
    ],
)
def test_one_form_is_printed(query: Query, printed: str):
    assert str(query) == printed


def test_an_address_is_who_the_node_is_and_prints_what_it_is_called():
    one, other = Address("rin", "nova", "a" * 52), Address("rin", "nova", "b" * 52)
    assert str(one) == str(other) == "rin@nova"
    assert one != other


@pytest.mark.parametrize("typed", ["rin", " RIN ", "Rin"])
def test_a_plain_name_is_kept_in_lower_case(typed: str):
    assert parse_name(typed) == "rin"


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "it is empty"),
        ("rin@nova", f"'@' {ADDRESS}"),
        ("nova:rin", f"':' {ADDRESS}"),
        ("ship/lead", f"'/' {ADDRESS}"),
        ("nova~k3jq", f"'~' {ADDRESS}"),
        ("rin!", "'!' is not allowed"),
        ("operator", f"operator {RESERVED}"),
        ("fleet", f"fleet {RESERVED}"),
        ("Operator", f"operator {RESERVED}"),
        (LONGEST + "a", "a part of it is longer than 63 characters"),
        # Grants name a node by its id: what it calls itself must never pass for another one's.
        (NODE_ID, "it could be mistaken for a node's id"),
        (NODE_ID.upper(), "it could be mistaken for a node's id"),
    ],
)
def test_what_cannot_be_one_name_is_refused(typed: str, why: str):
    with pytest.raises(MalformedName) as refused:
        parse_name(typed)
    assert str(refused.value) == f"{typed!r} is not a name: {why}"


@pytest.mark.parametrize(
    ("host", "label"),
    [
        ("White.local", "white.local"),
        ("Ada's  Laptop", "ada-s-laptop"),
        ("_-.white.-_", "white"),
        ("x" * 80, "x" * 63),
        (f"{'x' * 60}---y", "x" * 60),
        ("", "node"),
        ("東京", "node"),
        ("operator", "node"),
        (NODE_ID, "node"),
    ],
)
def test_any_hosts_name_gives_a_well_formed_one(host: str, label: str):
    assert label_from(host) == label
    assert parse_name(label) == label
