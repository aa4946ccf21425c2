"""A query means exactly one agent, or the refusal says who could have been meant.

``tests/property/test_resolver.py`` compares random fleets with the definition.
"""

import pytest

from fleet.core.address import Address, Query, parse_query
from fleet.core.directory import Directory, NodeEntry, Presence, SeatHeld
from fleet.core.errors.names import AmbiguousName, SeatInDoubt, UnknownAgent, UnknownNode
from fleet.core.resolver import node_label, resolve, resolve_node, shown_presence
from fleet.core.seating import KnownTeams
from tests.support.fleets import SEEN_AT, agent, id_of, known, known_team, logs, node

WHITE, NOVA = node("white", "w"), node("nova", "naaaab")
NAMESAKE = node("nova", "naaaac", connected=False)
NONE: KnownTeams = {}


def ask(typed: str, directory: Directory, teams: KnownTeams = NONE) -> Address:
    return resolve(parse_query(typed), directory, teams)


def ambiguous(typed: str, directory: Directory, teams: KnownTeams = NONE) -> AmbiguousName:
    with pytest.raises(AmbiguousName) as refused:
        ask(typed, directory, teams)
    return refused.value


def unknown(typed: str, directory: Directory, teams: KnownTeams = NONE) -> UnknownAgent:
    with pytest.raises(UnknownAgent) as refused:
        ask(typed, directory, teams)
    return refused.value


def test_a_bare_name_means_the_one_agent_that_has_it_wherever_it_lives():
    directory = known((WHITE, ["neo"]), (NOVA, ["rin"]))
    assert ask("rin", directory) == Address("rin", "nova", NOVA.node_id)
    assert ask("RIN", directory) == ask("nova:rin", directory) == ask("rin@nova", directory)


def test_an_agent_that_is_offline_on_a_node_that_is_away_keeps_its_name():
    away = node("nova", "n", connected=False)
    directory = known((WHITE, ["neo"]), (away, []))
    directory.put(agent("rin", away, Presence.OFFLINE))
    assert ask("rin", directory) == Address("rin", "nova", away.node_id)


def test_a_name_of_two_agents_is_refused_with_both_and_nothing_breaks_the_tie():
    away = node("nova", "n", connected=False)
    directory = known((WHITE, ["rin"]), (away, ["rin"]))
    refused = ambiguous("rin", directory)
    assert [(c.address, c.node, c.state, c.last_seen) for c in refused.candidates] == [
        ("rin@white", "white", "online", "now"),
        ("rin@nova", "nova", "away", SEEN_AT),
    ]
    assert str(refused) == "rin is ambiguous: rin@white, rin@nova"
    assert "rin@white" in refused.hint


def test_every_candidate_can_be_pasted_back_also_where_two_nodes_have_one_name():
    directory = known((WHITE, ["rin"]), (NOVA, ["rin"]), (NAMESAKE, ["rin"]))
    for typed, nodes in (("rin", [WHITE, NOVA, NAMESAKE]), ("rin@nova", [NOVA, NAMESAKE])):
        meant = [ask(c.address, directory) for c in ambiguous(typed, directory).candidates]
        assert [(a.agent, a.node_id) for a in meant] == [("rin", n.node_id) for n in nodes]


def test_namesakes_are_told_apart_by_as_much_of_their_ids_as_it_takes():
    directory = known((WHITE, []), (NOVA, ["rin"]), (NAMESAKE, ["rin"]), (node("nova", "m"), []))
    assert node_label(directory, WHITE.node_id) == "white"
    assert node_label(directory, NOVA.node_id) == "nova~naaaab"
    assert node_label(directory, NAMESAKE.node_id) == "nova~naaaac"
    assert node_label(directory, id_of("m")) == "nova~mzzz"
    assert str(ask("rin@nova~naaaac", directory)) == "rin@nova~naaaac"
    assert ambiguous("rin@nova~naaaa", directory).candidates[0].address == "rin@nova~naaaab"


def test_an_id_is_shown_with_no_letter_more_than_tells_it_apart():
    directory = known((node("nova", "naaab"), []), (node("nova", "naaac"), []))
    assert node_label(directory, id_of("naaab")) == "nova~naaab"


def test_a_node_that_left_is_shown_by_the_beginning_of_its_id():
    assert node_label(Directory(), id_of("gone")) == "gonezzzzzzzz"


def test_an_id_prefix_must_go_with_the_nodes_name():
    directory = known((WHITE, ["rin"]), (NOVA, ["rin"]))
    with pytest.raises(UnknownNode, match="no node is called white~naaa"):
        ask("rin@white~naaa", directory)


def test_agent_at_node_never_falls_back_to_another_node():
    directory = known((WHITE, ["neo"]), (NOVA, ["rin"]))
    refused = unknown("rin@white", directory)
    assert str(refused) == "no agent is called rin@white"
    assert refused.hint.startswith("did you mean rin@nova?")
    assert refused.candidates == ()


def test_a_name_that_one_of_two_namesake_nodes_has_means_that_agent():
    directory = known((NOVA, ["rin"]), (NAMESAKE, ["ada"]))
    assert ask("rin@nova", directory).node_id == NOVA.node_id


def test_a_name_that_neither_namesake_node_has_asks_which_node():
    directory = known((NOVA, []), (NAMESAKE, []), (WHITE, ["rin"]))
    refused = ambiguous("rin@nova", directory)
    assert [(c.address, c.state, c.last_seen) for c in refused.candidates] == [
        ("rin@nova~naaaab", "online", "now"),
        ("rin@nova~naaaac", "away", SEEN_AT),
    ]
    refused = ambiguous("ship/rin@nova", directory)
    assert [c.address for c in refused.candidates] == [
        "ship/rin@nova~naaaab",
        "ship/rin@nova~naaaac",
    ]


def test_near_misses_are_hints_and_never_matches():
    directory = known((WHITE, ["mawjs", "neo"]), (NOVA, ["mawj"]))
    for typed in ("mawjz", "maw", "mawjs-", "mawjs2"):
        hint = unknown(typed, directory).hint
        assert "did you mean " in hint
        assert "mawjs@white" in hint
    assert unknown("zzz", directory).hint == "fleet ls shows all"


def test_a_hint_names_three_at_most_and_those_of_the_very_name_first():
    nodes = [node(f"n{i}", f"n{letter}") for i, letter in enumerate("abcde")]
    directory = known((WHITE, ["ri", "rins"]), *((one, ["rin"]) for one in nodes))
    hint = unknown("rin@white", directory).hint
    assert hint == "did you mean rin@n0, rin@n1, rin@n2? fleet ls shows all"


def test_agents_of_the_very_name_are_found_for_the_hint_in_the_largest_fleet():
    crowd = (f"build-{number}" for number in range(5_001))
    hint = unknown("rin@white", known((WHITE, crowd), (NOVA, ["rin"]))).hint
    assert hint == "did you mean rin@nova? fleet ls shows all"


def test_an_unknown_node_is_refused_with_the_nodes_there_are():
    directory = known(*((node(f"n{i}", f"n{letter}"), []) for i, letter in enumerate("abcdefghij")))
    with pytest.raises(UnknownNode) as refused:
        ask("rin@mba", directory)
    assert str(refused.value) == "no node is called mba"
    assert refused.value.hint == "known: n0, n1, n2, n3, n4, n5, n6, n7; fleet nodes shows all"


def seat(
    directory: Directory, name: str, on: NodeEntry, held: str, term: int, team_id: str = "1"
) -> None:
    """An agent that its node says fills a seat of the team ship."""
    directory.put(agent(name, on)._replace(seats=(SeatHeld("ship", team_id, held, term),)))


def test_a_seat_that_nobody_fills_is_nobody_also_where_an_agent_has_the_roles_name():
    directory = known((WHITE, ["lead"]))
    assert str(unknown("ship/lead", directory)) == "no agent is called ship/lead"
    unknown("ship/operator", directory)
    unknown("ship/lead@white", directory)


def test_a_seat_means_who_fills_it_by_the_teams_log_wherever_that_is():
    directory = known((WHITE, ["lead"]), (NOVA, []))
    seat(directory, "ship.lead", NOVA, "lead", 4)
    teams = logs(known_team("ship", "1", {"lead": ("ship.lead", NOVA, 4)}))
    assert ask("ship/lead", directory, teams) == Address("ship.lead", "nova", NOVA.node_id)
    assert ask("nova:Ship/Lead", directory, teams) == ask("ship/lead@nova", directory, teams)
    assert ask("lead", directory, teams).node == "white"
    refused = unknown("ship/lead@white", directory, teams)
    assert str(refused) == "no agent is called ship/lead@white"
    assert refused.hint.startswith("did you mean ship/lead?")


def test_two_teams_of_one_name_are_told_apart_by_the_addresses_of_their_members():
    directory = known((WHITE, []), (NOVA, []))
    seat(directory, "ship.impl", WHITE, "impl", 4)
    seat(directory, "ship.impl", NOVA, "impl", 9, team_id="2")
    teams = logs(
        known_team("ship", "1", {"impl": ("ship.impl", WHITE, 4)}),
        known_team("ship", "2", {"impl": ("ship.impl", NOVA, 9)}),
    )
    refused = ambiguous("ship/impl", directory, teams)
    assert {c.address for c in refused.candidates} == {"ship.impl@nova", "ship.impl@white"}
    assert {ask(c.address, directory).node for c in refused.candidates} == {"white", "nova"}
    assert ask("ship/impl@white", directory, teams).node == "white"


def test_a_seat_of_a_team_whose_log_is_not_here_is_in_doubt_and_shown():
    directory = known((WHITE, []), (NOVA, []))
    seat(directory, "ship.impl", NOVA, "impl", 4)
    with pytest.raises(SeatInDoubt) as refused:
        ask("ship/impl", directory)
    assert str(refused.value) == (
        "who fills ship/impl is in doubt: ship.impl@nova;"
        " this node has no log of that team, only their nodes' word"
    )
    assert refused.value.hint.endswith("for example ship.impl@nova")
    assert ask("ship/impl@nova", directory).agent == "ship.impl", "whose agents nova names"
    unknown("ship/impl@white", directory)


def test_a_near_miss_of_a_seat_is_a_hint_with_the_teams_seats():
    directory = known((WHITE, ["impl"]))
    seat(directory, "ship.impl", WHITE, "impl", 4)
    teams = logs(
        known_team("ship", "1", {"impl": ("ship.impl", WHITE, 4), "lead": ("gone", WHITE, 2)}),
        known_team("shop", "2", {"imp": ("impl", WHITE, 4)}),
    )
    for refused in (unknown("ship/imp", directory, teams), unknown("ship/zzz", directory, teams)):
        assert refused.hint == "did you mean ship/impl? fleet ls shows all"


def test_the_operator_of_a_node_is_always_there():
    directory = known((WHITE, []), (NOVA, []))
    assert ask("operator@nova", directory) == Address("operator", "nova", NOVA.node_id)
    with pytest.raises(UnknownNode):
        ask("operator@mba", directory)


def test_operator_alone_is_one_person_only_where_there_is_one_node():
    assert str(ask("operator", known((WHITE, [])))) == "operator@white"
    refused = ambiguous("operator", known((WHITE, []), (NOVA, [])))
    assert [c.address for c in refused.candidates] == ["operator@white", "operator@nova"]
    refused = ambiguous("operator@nova", known((WHITE, []), (NOVA, []), (NAMESAKE, [])))
    assert [c.address for c in refused.candidates] == [
        "operator@nova~naaaab",
        "operator@nova~naaaac",
    ]


def test_in_a_fleet_of_no_nodes_nobody_is_meant():
    for typed in ("operator", "rin"):
        unknown(typed, Directory())


def test_a_node_is_meant_by_its_name_or_with_a_piece_of_its_id():
    directory = known((WHITE, []), (NOVA, []), (NAMESAKE, []))
    assert resolve_node("white", "", directory) == WHITE
    assert resolve_node("nova", "naaaac", directory) == NAMESAKE
    with pytest.raises(UnknownNode, match="no node is called nova~m"):
        resolve_node("nova", "m", directory)


def test_an_ambiguous_node_is_refused_with_names_of_nodes_that_can_be_pasted_back():
    directory = known((NOVA, []), (NAMESAKE, []))
    with pytest.raises(AmbiguousName) as refused:
        resolve_node("nova", "", directory)
    assert str(refused.value) == "nova is ambiguous: nova~naaaab, nova~naaaac"
    for candidate, meant in zip(refused.value.candidates, (NOVA, NAMESAKE), strict=True):
        query = parse_query(f"operator@{candidate.address}")
        assert resolve_node(query.node, query.node_prefix, directory) == meant


def test_an_agent_whose_node_is_not_known_is_listed_all_the_same():
    directory = known((WHITE, ["rin"]))
    directory.put(agent("rin", NOVA))
    there = ambiguous("rin", directory).candidates[1]
    assert (there.address, there.node, there.state, there.last_seen) == (
        f"rin@{NOVA.node_id[:12]}", NOVA.node_id[:12], "away", "",
    )  # fmt: skip


def test_a_query_that_was_never_typed_still_finds_nobody():
    with pytest.raises(UnknownAgent):
        resolve(Query(""), known((WHITE, ["rin"])))


def test_an_agent_is_away_while_its_node_is_whatever_that_said_last():
    away = node("nova", "n", connected=False)
    directory = known((WHITE, []), (away, []))
    online, offline = agent("neo", WHITE), agent("neo", WHITE, Presence.OFFLINE)
    assert shown_presence(directory, online) is Presence.ONLINE
    assert shown_presence(directory, offline) is Presence.OFFLINE
    assert shown_presence(directory, agent("rin", away)) is Presence.AWAY
    assert shown_presence(directory, agent("rin", node("gone", "g"))) is Presence.AWAY
