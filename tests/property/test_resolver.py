"""The resolver against the dumb definition: look at every agent, and count."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from fleet.core.address import OPERATOR, Address, Query, parse_query
from fleet.core.directory import AgentEntry, Directory, NodeEntry, SeatHeld
from fleet.core.errors.names import AmbiguousName, SeatInDoubt, UnknownAgent, UnknownNode
from fleet.core.resolver import node_label, resolve, resolve_node
from fleet.core.seating import KnownTeams
from tests.support.fleets import agent, id_of, known, known_team, logs

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
        st.integers(8, 11),
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


def logs_over(directory: Directory) -> st.SearchStrategy[KnownTeams]:
    """What a node of that fleet may have of the logs of two teams of one name."""
    nodes = list(directory.nodes())
    if not nodes:
        return st.just({})
    those = st.builds(
        known_team,
        st.just("ship"),
        st.sampled_from(("1", "2")),
        st.dictionaries(
            st.sampled_from(("rin", "neo")),
            st.tuples(agent_names, st.sampled_from(nodes), st.integers(8, 10)),
        ),
        nodes=st.lists(st.sampled_from(nodes), max_size=3, unique=True),
        head=st.integers(8, 10),
        is_home=st.booleans(),
    )
    return st.lists(those, max_size=2).map(lambda drawn: logs(*drawn))


fleets = directories.flatmap(lambda one: st.tuples(st.just(one), logs_over(one)))

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


def claims(query: Query, directory: Directory) -> list[tuple[SeatHeld, AgentEntry]]:
    """By definition: whatever anybody says of that seat."""
    return [
        (held, entry)
        for entry in directory.agents()
        for held in entry.seats
        if (held.team, held.seat) == (query.team, query.agent)
    ]


def in_seat(
    query: Query, directory: Directory, teams: KnownTeams
) -> tuple[set[AgentEntry], set[AgentEntry]]:
    """By definition: who fills a seat by a log that is here, and who may fill it."""
    sure: set[AgentEntry] = set()
    unsure: set[AgentEntry] = set()
    for team in teams.values():
        seat = team.board.seats.get(query.agent)
        told = [(h, e) for h, e in claims(query, directory) if h.team_id == team.team_id]
        newer = {
            entry
            for held, entry in told
            if not team.is_home
            and held.term > team.board.head
            and entry.node_id in team.board.nodes
        }
        seated_there = {
            entry
            for entry in directory.agents()
            if seat is not None and (entry.name, entry.node_id) == (seat.agent, seat.node)
        }
        said = any(
            seat and held.term == seat.term and {entry} == seated_there for held, entry in told
        )
        if (team.is_home or said) and not newer:
            sure |= seated_there
        else:
            unsure |= seated_there | newer
    if not sure and not unsure:
        unsure = {e for h, e in claims(query, directory) if h.team_id not in teams}
    return sure, unsure


def meant(query: Query, directory: Directory, teams: KnownTeams) -> set[tuple[str, str]]:
    """By definition: every agent on such a node that has the very name; operators are everywhere.

    Of a seat: everybody there who fills it, or may.
    """
    there = {node.node_id for node in meant_nodes(query, directory)}
    if query.team:
        sure, unsure = in_seat(query, directory, teams)
        return {(e.name, e.node_id) for e in sure | unsure if e.node_id in there}
    if query.agent == OPERATOR:
        return {(OPERATOR, node_id) for node_id in there}
    return {
        (entry.name, entry.node_id)
        for entry in directory.agents()
        if entry.name == query.agent and entry.node_id in there
    }


def who(address: Address) -> tuple[str, str]:
    return address.agent, address.node_id


@given(fleets, queries)
def test_a_query_resolves_when_exactly_one_agent_is_meant_and_never_else(
    fleet: tuple[Directory, KnownTeams], query: Query
):
    directory, teams = fleet
    wanted = meant(query, directory, teams)
    places = meant_nodes(query, directory)
    try:
        found = resolve(query, directory, teams)
    except UnknownNode:
        assert query.node
        assert not places
    except UnknownAgent:
        assert not wanted
        assert len(places) == 1 or not query.node
    except SeatInDoubt as error:
        assert query.team
        assert not query.node
        assert in_seat(query, directory, teams)[1]
        listed = [parse_query(candidate.address) for candidate in error.candidates]
        assert {who(resolve(each, directory)) for each in listed} == wanted
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
        assert query.node or not query.team or not in_seat(query, directory, teams)[1]


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


@given(fleets, queries, agent_names)
def test_an_agent_elsewhere_never_changes_what_agent_at_node_means(
    fleet: tuple[Directory, KnownTeams], query: Query, name: str
):
    directory, teams = fleet

    def outcome() -> object:
        try:
            return resolve(query, directory, teams)
        except (UnknownAgent, UnknownNode) as error:
            return type(error)
        except (AmbiguousName, SeatInDoubt) as error:
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


@given(fleets, queries, st.sampled_from(("1", "2", "3")), st.sampled_from((1, 9, 2**62)))
def test_no_word_of_a_node_draws_a_seat_to_it(
    fleet: tuple[Directory, KnownTeams], query: Query, team_id: str, term: int
):
    directory, teams = fleet
    liar = NodeEntry(id_of("liar"), "liar", connected=True, seen_at_s=1.0)
    directory.put_node(liar)
    held = SeatHeld("ship", team_id, query.agent, term)
    directory.put(agent("thief", liar)._replace(seats=(held,)))
    if query.team and query.node != "liar":
        with contextlib.suppress(AmbiguousName, SeatInDoubt, UnknownAgent, UnknownNode):
            assert resolve(query, directory, teams).node_id != liar.node_id


@given(fleets, queries)
def test_hints_name_agents_that_exist(fleet: tuple[Directory, KnownTeams], query: Query):
    directory, teams = fleet
    try:
        resolve(query, directory, teams)
    except UnknownAgent as error:
        similar, there, _ = error.hint.partition("? fleet ls")
        if there:
            named = similar.removeprefix("did you mean ").split(", ")
            assert 1 <= len(named) <= 3
            for address in named:
                with contextlib.suppress(AmbiguousName, SeatInDoubt):
                    assert resolve(parse_query(address), directory, teams).agent != OPERATOR
    except (AmbiguousName, SeatInDoubt, UnknownNode):
        pass
