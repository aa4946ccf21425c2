"""The known fleet: each node's word replaces what was known of it, and nobody else's.

``tests/property/test_directory.py`` compares long histories with a plain dict of dicts.
"""

from fleet.core.directory import AgentEntry, Presence
from tests.support.fleets import agent, known, node

WHITE, NOVA = node("white", "w"), node("nova", "n")


def names(entries: object) -> list[str]:
    assert hasattr(entries, "__iter__")
    return [f"{entry.name}@{entry.node_id[0]}" for entry in entries]


def test_a_name_of_two_nodes_has_both_and_of_one_again_when_the_other_drops_it():
    directory = known((WHITE, ["rin", "neo"]), (NOVA, ["rin"]))
    assert names(directory.called("rin")) == ["rin@w", "rin@n"]
    directory.drop(WHITE.node_id, "rin")
    assert names(directory.called("rin")) == ["rin@n"]
    directory.drop(NOVA.node_id, "rin")
    assert directory.called("rin") == ()
    assert list(directory.names()) == ["neo"]


def test_of_three_nodes_with_a_name_two_still_have_it_when_one_drops_it():
    directory = known((WHITE, ["rin"]), (NOVA, ["rin"]), (node("mba", "m"), ["rin"]))
    directory.drop(NOVA.node_id, "rin")
    assert names(directory.called("rin")) == ["rin@w", "rin@m"]


def test_an_agent_is_counted_once_however_often_it_is_told():
    directory = known((WHITE, ["rin"]), (NOVA, ["rin"]))
    for presence in Presence:
        directory.put(agent("rin", NOVA, presence))
    assert len(directory) == 2
    assert [entry.presence for entry in directory.called("rin")] == ["online", "away"]


def test_a_nodes_whole_word_replaces_its_agents_and_leaves_other_nodes_alone():
    directory = known((WHITE, ["rin", "neo"]), (NOVA, ["rin", "ada"]))
    fresh = agent("neo", WHITE, Presence.OFFLINE)
    directory.replace(WHITE.node_id, [fresh, agent("kim", WHITE)])
    assert list(directory.on(WHITE.node_id)) == [agent("kim", WHITE), fresh]
    assert names(directory.on(NOVA.node_id)) == ["ada@n", "rin@n"]


def test_word_of_an_agent_that_went_may_come_twice_and_for_agents_never_known():
    directory = known((WHITE, ["rin"]), (NOVA, []))
    for _ in range(2):
        directory.drop(NOVA.node_id, "rin")
        directory.drop(NOVA.node_id, "nobody")
    assert names(directory.agents()) == ["rin@w"]


def test_a_node_that_is_dropped_takes_its_agents_and_its_name_along():
    directory = known((WHITE, ["rin"]), (NOVA, ["rin", "ada"]))
    for _ in range(2):
        directory.drop_node(NOVA.node_id)
    assert directory.node(NOVA.node_id) is None
    assert directory.nodes_called("nova") == ()
    assert names(directory.agents()) == ["rin@w"]
    assert list(directory.nodes()) == [WHITE]


def test_a_node_may_be_renamed_and_keeps_its_agents():
    directory = known((WHITE, ["rin"]))
    directory.put_node(node("snow", "w"))
    assert directory.nodes_called("white") == ()
    assert directory.nodes_called("snow") == (node("snow", "w"),)
    assert names(directory.called("rin")) == ["rin@w"]


def test_two_nodes_of_one_name_both_keep_it_and_neither_is_the_only_one():
    other = node("nova", "m")
    directory = known((NOVA, ["rin"]), (other, ["ada"]))
    assert directory.nodes_called("nova") == (NOVA, other)
    assert not directory.is_only(NOVA)
    directory.put_node(node("mba", "m"))
    assert directory.is_only(NOVA)


def test_what_is_known_of_a_node_may_change_without_a_new_name():
    directory = known((NOVA, ["rin"]))
    away = node("nova", "n", connected=False)
    directory.put_node(away)
    assert directory.nodes_called("nova") == (away,)


def test_the_words_that_nodes_tell_each_other_of_an_agent_are_three():
    assert " ".join(Presence) == "online offline away"


def test_all_agents_are_listed_by_node_and_then_by_name():
    directory = known((WHITE, ["neo", "ada"]), (NOVA, ["kim"]))
    directory.put(AgentEntry("bob", WHITE.node_id, "bash", Presence.OFFLINE, 0))
    assert names(directory.agents()) == ["ada@w", "bob@w", "neo@w", "kim@n"]
    assert list(directory.on("nobody")) == []
