import re
import string

from hypothesis import example, given
from hypothesis import strategies as st

from fleet.core.address import NAME, NODE_ID, RESERVED, Query, label_from, parse_name, parse_query
from fleet.core.errors.requests import MalformedName
from tests.support.strategies import any_texts, queries

typed = any_texts | st.text(string.ascii_lowercase[:3] + "AK0_.-@~:/ ", max_size=12)


@given(queries)
def test_what_is_printed_can_be_typed(query: Query):
    assert parse_query(str(query)) == query
    assert parse_query(str(query).upper()) == query


@given(queries)
def test_node_colon_agent_means_agent_at_node(query: Query):
    if query.node:
        agent, _, node = str(query).partition("@")
        assert parse_query(f"{node}:{agent}") == query


@given(typed)
@example("nova~k1:rin")
def test_anything_typed_is_a_query_in_one_form_or_not_a_name(text: str):
    try:
        query = parse_query(text)
    except MalformedName:
        return
    assert parse_query(str(query)) == query
    assert re.fullmatch(r"[a-z0-9._@~/-]+", str(query))
    assert all(NAME.fullmatch(part) for part in (query.agent, query.node, query.team) if part)


@given(typed)
def test_a_refusal_is_one_line_that_any_terminal_can_show(text: str):
    for parse in (parse_query, parse_name):
        try:
            parse(text)
        except MalformedName as error:
            told = str(error)
            assert told.isprintable()


@given(typed)
def test_a_plain_name_is_a_query_that_means_only_an_agent(text: str):
    try:
        name = parse_name(text)
    except MalformedName:
        return
    assert parse_query(text) == Query(name)
    assert name not in RESERVED
    assert not NODE_ID.fullmatch(name)


@given(any_texts)
def test_every_host_has_a_well_formed_default_name(text: str):
    label = label_from(text)
    assert parse_name(label) == label
    assert label_from(label) == label
