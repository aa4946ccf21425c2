"""The resolver against the dumb definition: look at every agent, and count."""

from hypothesis import given
from hypothesis import strategies as st

from fleet.core.address import OPERATOR, Address, Query, parse_query
from fleet.core.directory import Directory, NodeEntry, SeatHeld
from fleet.core.errors.names import AmbiguousName, UnknownAgent, UnknownNode
from fleet.core.resolver import node_label, resolve, resolve_node
from tests.support.fleets import agent, id_of, known

# Few names and ids that begin alike, so that they meet.
nodes = st.lists(
    st.builds(
        NodeEntry,
        st.text("ab", min_size=1, max_size=4).map("aaa{}".format).map(id_of),
        st.sampled_from(("white", "nova")),
        st.booleans(),
        st.just(1.0),
    ),
    unique_by=lambda node: node.node_id,
    max_size=5,
)
agent_names = st.sampled_from(("rin", "rim", "neo"))
seats = st.lists(
    st.builds(
        SeatHeld,
        st.just("ship"),
        st.sampled_from(("1", "1", "2")),
        st.sampled_from(("rin", "neo")),
        st.integers(1, 3),
    ),
    max_size=2,
).map(tuple)
directories = nodes.flatmap(
    lambda drawn: st.tuples(
        *(st.tuples(st.just(node), st.dictionaries(agent_names, seats)) for node in drawn)
    ).map(lambda fleet: seated(*fleet))
)


def seated(*fleet: tuple[NodeEntry, dict[str, tuple[SeatHeld, ...]]]) -> Directory:
    """A fleet whose agents fill seats."""
    directory = known(*fleet)
    for node, agents in fleet:
        for name, held in agents.items():
            directory.put(agent(name, node)._replace(seats=held))
    return directory


queries = st.builds(
    Query,
    st.sampled_from(("rin", "rim", "neo", "nobody", OPERATOR)),
    st.sampled_from(("", "white", "nova", "mba")),
    team=st.sampled_from(("", "", "", "ship")),
) | st.builds(
    Query,
    st.sampled_from(("rin", "rim", OPERATOR)),
    st.sampled_from(("white", "nova")),
    st.text("ab", max_size=4).map("aaa{}".format) | st.text("ab", min_size=1, max_size=2),
)


def meant_nodes(query: Query, directory: Directory) -> list[NodeEntry]:
    """By definition: every node that has the name and begins with the prefix."""
    return [
        node
        for node in directory.nodes()
        if query.node in {"", node.name} and node.node_id.startswith(query.node_prefix)
    ]


def meant(query: Query, directory: Directory) -> set[tuple[str, str]]:
    """By definition: every agent on such a node that has the very name; operators are everywhere.

    Of a seat: everybody there who is said to fill it, and nobody with a higher term anywhere.
    """
    there = {node.node_id for node in meant_nodes(query, directory)}
    if query.team:
        told = [
            (held, entry)
            for entry in directory.agents()
            for held in entry.seats
            if (held.team, held.seat) == (query.team, query.agent)
        ]
        return {
            (entry.name, entry.node_id)
            for held, entry in told
            if entry.node_id in there
            and all(held.term >= other.term for other, _ in told if other.team_id == held.team_id)
        }
    if query.agent == OPERATOR:
        return {(OPERATOR, node_id) for node_id in there}
    return {
        (entry.name, entry.node_id)
        for entry in directory.agents()
        if entry.name == query.agent and entry.node_id in there
    }


def who(address: Address) -> tuple[str, str]:
    return address.agent, address.node_id


@given(directories, queries)
def test_a_query_resolves_when_exactly_one_agent_is_meant_and_never_else(
    directory: Directory, query: Query
):
    wanted = meant(query, directory)
    places = meant_nodes(query, directory)
    try:
        found = resolve(query, directory)
    except UnknownNode:
        assert query.node
        assert not places
    except UnknownAgent:
        assert not wanted
        assert len(places) == 1 or not query.node
    except AmbiguousName as error:
        listed = [parse_query(candidate.address) for candidate in error.candidates]
        if wanted:
            assert len(wanted) > 1
            assert {who(resolve(each, directory)) for each in listed} == wanted
        else:  # nobody of that name on any of several nodes of one name: which one was meant?
            assert len(places) > 1
            assert {each.agent for each in listed} == {query.agent}
            assert {each.team for each in listed} == {query.team}
        assert len(listed) == len(wanted or places) == len(set(listed))
    else:
        assert wanted == {who(found)}
        assert resolve(parse_query(str(found)), directory) == found


@given(directories)
def test_every_nodes_label_means_that_node_and_is_no_longer_than_needed(directory: Directory):
    labels = {node.node_id: node_label(directory, node.node_id) for node in directory.nodes()}
    assert len(set(labels.values())) == len(labels)
    for node in directory.nodes():
        query = parse_query(f"operator@{labels[node.node_id]}")
        assert resolve_node(query.node, query.node_prefix, directory) == node
        alone = sum(other.name == node.name for other in directory.nodes()) == 1
        assert (labels[node.node_id] == node.name) == alone
        if len(query.node_prefix) > 4:
            shorter = Query(OPERATOR, query.node, query.node_prefix[:-1])
            assert len(meant_nodes(shorter, directory)) > 1


@given(directories, queries, agent_names)
def test_an_agent_elsewhere_never_changes_what_agent_at_node_means(
    directory: Directory, query: Query, name: str
):
    def outcome() -> object:
        try:
            return resolve(query, directory)
        except (UnknownAgent, UnknownNode) as error:
            return type(error)
        except AmbiguousName as error:
            return error.candidates

    elsewhere = NodeEntry(id_of("elsewhere"), "elsewhere", connected=True, seen_at_s=1.0)
    before = outcome()
    directory.put_node(elsewhere)
    directory.put(agent(name, elsewhere))
    after = outcome()
    if query.node:
        assert before == after
    if isinstance(before, Address) and before != after:
        assert query.agent in {name, OPERATOR}
        assert isinstance(after, tuple), "what was clear became ambiguous, and is refused"


@given(directories, queries)
def test_hints_name_agents_that_exist(directory: Directory, query: Query):
    try:
        resolve(query, directory)
    except UnknownAgent as error:
        similar, there, _ = error.hint.partition("? fleet ls")
        if there:
            named = similar.removeprefix("did you mean ").split(", ")
            assert 1 <= len(named) <= 3
            for address in named:
                assert resolve(parse_query(address), directory).agent != OPERATOR
    except (AmbiguousName, UnknownNode):
        pass
