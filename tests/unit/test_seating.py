"""Who fills a seat: the team's log says so, and a node's word alone never does."""

from fleet.core.directory import AgentEntry, Directory, NodeEntry, SeatHeld
from fleet.core.seating import NEWER, NO_LOG, KnownTeams, Sitting, is_proven, sitting
from tests.support.fleets import agent, known, known_team, logs, node

WHITE, NOVA, KAI = node("white", "w"), node("nova", "n"), node("kai", "k")
HUGE = 2**40


def fleet(*claims: tuple[NodeEntry, int]) -> Directory:
    """White, nova and kai, each with an agent ship.impl; who of them says that it fills ship/impl, since
    which entry of team 1."""
    directory = known(*((one, ["ship.impl"]) for one in (WHITE, NOVA, KAI)))
    for on, term in claims:
        held = SeatHeld("ship", "1", "impl", term)
        directory.put(agent("ship.impl", on)._replace(seats=(held,)))
    return directory


def team(
    on: NodeEntry, term: int, *nodes: NodeEntry, head: int = 0, is_home: bool = False
) -> KnownTeams:
    seats = {"impl": ("ship.impl", on, term)}
    return logs(known_team("ship", "1", seats, nodes=nodes, head=head, is_home=is_home))


def at(directory: Directory, teams: KnownTeams) -> tuple[list[str], list[str]]:
    """The nodes of those who fill it, and of those who may."""
    found = sitting(directory, teams, "ship", "impl")
    return _nodes(directory, found.proven), _nodes(directory, found.doubtful)


def _nodes(directory: Directory, entries: tuple[AgentEntry, ...]) -> list[str]:
    nodes = (directory.node(entry.node_id) for entry in entries)
    return [one.name for one in nodes if one is not None]


def test_at_home_nobodys_word_counts_however_huge_its_term():
    teams = team(NOVA, 9, NOVA, KAI, is_home=True)
    assert at(fleet((NOVA, 9), (KAI, HUGE)), teams) == (["nova"], [])
    assert at(fleet((KAI, HUGE)), teams) == (["nova"], []), "nova has not heard of it yet"
    assert at(fleet((KAI, 9)), teams) == (["nova"], [])


def test_a_term_that_the_copy_has_and_that_is_anothers_is_nothing():
    teams = team(NOVA, 9, NOVA, KAI, head=20)
    assert at(fleet((NOVA, 9), (KAI, 9)), teams) == (["nova"], [])
    assert at(fleet((NOVA, 9), (KAI, 20)), teams) == (["nova"], [])
    assert at(fleet((NOVA, 9), (KAI, 4)), teams) == (["nova"], []), "fenced out"


def test_a_node_that_is_not_of_the_team_makes_not_even_a_doubt():
    assert at(fleet((NOVA, 9), (KAI, HUGE)), team(NOVA, 9, NOVA)) == (["nova"], [])


def test_a_word_of_the_team_that_is_newer_than_the_copy_is_a_doubt_between_both():
    teams = team(NOVA, 9, NOVA, KAI)
    assert at(fleet((NOVA, 9), (KAI, 10)), teams) == ([], ["nova", "kai"])
    found = sitting(fleet((NOVA, 9), (KAI, 10)), teams, "ship", "impl")
    assert found.why == NEWER
    caught_up = team(KAI, 10, NOVA, KAI)
    assert at(fleet((NOVA, 9), (KAI, 10)), caught_up) == (["kai"], [])


def test_a_seat_that_its_own_node_does_not_tell_of_is_a_doubt_at_a_copy():
    teams = team(NOVA, 9, NOVA, KAI)
    assert at(fleet(), teams) == ([], ["nova"])
    assert at(fleet((NOVA, 4)), teams) == ([], ["nova"]), "told of an earlier life of it"
    assert at(fleet((NOVA, 10)), teams) == ([], ["nova"]), "seated anew, and the copy is behind"


def test_without_a_log_all_that_is_said_is_a_doubt():
    found = sitting(fleet((NOVA, 9), (KAI, HUGE)), {}, "ship", "impl")
    assert (found.proven, found.why) == ((), NO_LOG)
    assert at(fleet((NOVA, 9), (KAI, HUGE)), {}) == ([], ["kai", "nova"])
    assert sitting(fleet(), {}, "ship", "impl") == Sitting((), (), NO_LOG)


def test_a_team_that_is_only_talked_of_does_not_count_beside_one_whose_log_is_here():
    directory = fleet((NOVA, 9))
    directory.put(agent("ship.impl", KAI)._replace(seats=(SeatHeld("ship", "2", "impl", HUGE),)))
    assert at(directory, team(NOVA, 9, NOVA, KAI)) == (["nova"], [])


def test_what_a_node_tells_is_proven_by_the_log_alone():
    teams = team(NOVA, 9, NOVA, KAI)
    good, claimed = SeatHeld("ship", "1", "impl", 9), SeatHeld("ship", "1", "impl", 10)
    assert is_proven(good, agent("ship.impl", NOVA), teams)
    assert not is_proven(claimed, agent("ship.impl", NOVA), teams)
    assert not is_proven(good, agent("ship.impl", KAI), teams)
    assert not is_proven(good, agent("rin", NOVA), teams)
    assert not is_proven(good, agent("ship.impl", NOVA), {})
    assert not is_proven(good._replace(seat="lead"), agent("ship.impl", NOVA), teams)
