"""The directory against a plain dict of dicts, through any history."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fleet.core.directory import AgentEntry, Directory, NodeEntry, Presence, SeatHeld
from tests.support.fleets import id_of

NODES = [id_of(letter) for letter in "abc"]
NODE_NAMES = ("white", "nova")
AGENT_NAMES = ("rin", "neo", "ada")

node_ids = st.sampled_from(NODES)
agent_names = st.sampled_from(AGENT_NAMES)
nodes = st.builds(
    NodeEntry, node_ids, st.sampled_from(NODE_NAMES), st.booleans(), st.sampled_from((1.0, 2.0))
)
TEAMS, SEATS = ("site", "shop"), ("lead", "impl")
seats = st.lists(
    st.builds(
        SeatHeld,
        st.sampled_from(TEAMS),
        st.sampled_from(("1", "2")),
        st.sampled_from(SEATS),
        st.integers(1, 3),
    ),
    max_size=2,
).map(tuple)
agents = st.builds(
    AgentEntry,
    agent_names,
    node_ids,
    st.just("bash"),
    st.sampled_from(Presence),
    st.integers(0, 2),
    seats,
)


class History(RuleBasedStateMachine):
    """Everything that can be done to a directory, done to both."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Directory()
        self.nodes: dict[str, NodeEntry] = {}
        self.agents: dict[str, dict[str, AgentEntry]] = {node_id: {} for node_id in NODES}

    @rule(node=nodes)
    def put_node(self, node: NodeEntry) -> None:
        self.directory.put_node(node)
        self.nodes[node.node_id] = node

    @rule(node_id=node_ids)
    def drop_node(self, node_id: str) -> None:
        self.directory.drop_node(node_id)
        self.nodes.pop(node_id, None)
        self.agents[node_id] = {}

    @rule(entry=agents)
    def put(self, entry: AgentEntry) -> None:
        self.directory.put(entry)
        self.agents[entry.node_id][entry.name] = entry

    @rule(node_id=node_ids, name=agent_names)
    def drop(self, node_id: str, name: str) -> None:
        self.directory.drop(node_id, name)
        self.agents[node_id].pop(name, None)

    @rule(node_id=node_ids, said=st.lists(agents, max_size=4))
    def replace(self, node_id: str, said: list[AgentEntry]) -> None:
        own = [entry._replace(node_id=node_id) for entry in said]
        self.directory.replace(node_id, own)
        self.agents[node_id] = {entry.name: entry for entry in own}

    @invariant()
    def agents_agree(self) -> None:
        everyone = [entry for own in self.agents.values() for entry in own.values()]
        listed = list(self.directory.agents())
        assert len(self.directory) == len(listed) == len(everyone)
        assert set(listed) == set(everyone)
        assert set(self.directory.names()) == {entry.name for entry in everyone}
        assert len(list(self.directory.names())) == len(set(self.directory.names()))
        for name in AGENT_NAMES:
            called = self.directory.called(name)
            assert len(called) == len(set(called))
            assert set(called) == {entry for entry in everyone if entry.name == name}
        for node_id in NODES:
            by_name = sorted(self.agents[node_id].items())
            assert list(self.directory.on(node_id)) == [entry for _, entry in by_name]

    @invariant()
    def seats_agree(self) -> None:
        everyone = [entry for own in self.agents.values() for entry in own.values()]
        for team in TEAMS:
            filled = {h.seat for entry in everyone for h in entry.seats if h.team == team}
            assert set(self.directory.seats_in(team)) == filled
            for seat in SEATS:
                told = [
                    (held, entry)
                    for entry in everyone
                    for held in entry.seats
                    if (held.team, held.seat) == (team, seat)
                ]
                claims = self.directory.claims(team, seat)
                assert set(claims) == set(told)
                assert len(claims) == len(told)

    @invariant()
    def nodes_agree(self) -> None:
        assert sorted(self.directory.nodes(), key=lambda node: node.node_id) == sorted(
            self.nodes.values(), key=lambda node: node.node_id
        )
        for node_id in NODES:
            assert self.directory.node(node_id) == self.nodes.get(node_id)
        for name in NODE_NAMES:
            called = {node for node in self.nodes.values() if node.name == name}
            assert set(self.directory.nodes_called(name)) == called
            assert len(self.directory.nodes_called(name)) == len(called)
            assert all(self.directory.is_only(node) == (len(called) == 1) for node in called)


TestHistory = History.TestCase
