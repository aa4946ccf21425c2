"""What the stories cannot make happen: a lost commit, a liar's envelope, a policy set amid a start."""

from __future__ import annotations

import asyncio

import pytest

from fleet.core.errors.store import StoreFailed
from fleet.core.errors.trust import RateExceeded
from fleet.core.frames import Posted
from node.engine.permits import Permits
from node.engine.refusals import ONE_BY_ONE, WHILE_S
from node.engine.starter import Start
from node.records import Agent
from tests.support.checkers import check
from tests.support.host import SOCKET, Host
from tests.support.letters import letter
from tests.support.panes import Moment
from tests.support.world import World, play_world


async def rated(world: World, rate: str) -> tuple[Host, Host]:
    """Two nodes, the second with an agent that the first's may message this often."""
    white, nova = await world.fleet("white", "nova")
    await nova.call("start", name="rin", socket=SOCKET, command=("chat",))
    await nova.call("grant", who="*@white", verbs=("message",), agent="rin", rate=rate)
    await asyncio.sleep(0.1)
    return white, nova


async def declined(nova: Host) -> list[dict[str, object]]:
    said = await nova.call("log", lines=1_000)
    return [event for event in said.items if event["kind"] == "envelope declined"]


def test_what_a_lost_commit_took_of_a_rate_is_given_back() -> None:
    async def story(world: World) -> None:
        white, nova = await rated(world, "1/h")
        node = nova.up_node
        rin, permits = node.agents.known("rin"), node.permits
        neo = node.fleet.peer_caller("neo", white.node_id)
        permits.used(neo, permits.message(neo, rin, raw=False).spends)
        assert is_used_up(permits, neo, rin)
        with pytest.raises(StoreFailed):
            node.store.database.execute("INSERT INTO nowhere VALUES (1)")
        assert not is_used_up(permits, neo, rin)

    play_world(story, check)


def is_used_up(permits: Permits, caller: object, agent: Agent) -> bool:
    try:
        permits.message(caller, agent, raw=False)  # type: ignore[arg-type]
    except RateExceeded:
        return True
    return False


def test_asking_and_walking_the_way_use_nothing_up() -> None:
    async def story(world: World) -> None:
        white, nova = await rated(world, "1/h")
        for _ in range(3):
            walked = await white.call("route", to="rin@nova", probe=True)
            assert walked.exit == 0, walked
        assert (await white.call("send", to="rin@nova", text="one")).exit == 0
        assert (await white.call("send", to="rin@nova", text="two")).exit == 9
        walked = await white.call("route", to="rin@nova", probe=True)
        assert walked.result["error"]["code"] == "rate_exceeded"
        assert len(await declined(nova)) == 1

    play_world(story, check)


def test_a_raw_message_takes_one_use_of_a_grant_for_both_verbs() -> None:
    async def story(world: World) -> None:
        white, nova = await rated(world, "9/h")
        both = ("message", "control")
        await nova.call("grant", who="*@white", verbs=both, agent="rin", rate="2/h")
        sent = [
            await white.call("send", to="rin@nova", text=f"/clear {n}", raw=True) for n in range(3)
        ]
        assert [said.exit for said in sent] == [0, 0, 9]

    play_world(story, check)


def test_the_person_of_a_node_is_sent_no_more_than_the_rate_either() -> None:
    async def story(world: World) -> None:
        white, nova = await rated(world, "9/h")
        await nova.call("grant", who="*@white", verbs=("message",), agent="operator", rate="1/h")
        sent = [await white.call("send", to="operator@nova", text="hi") for _ in range(2)]
        assert [said.exit for said in sent] == [0, 9]

    play_world(story, check)


def test_a_declined_envelope_is_logged_as_from_the_node_that_sent_it_and_not_at_any_length() -> (
    None
):
    async def story(world: World) -> None:
        white, nova = await rated(world, "9/h")
        for claimed in ("operator@nova", "x" * 100_000 + "@nova", "\x1b[2Jneo@nova"):
            liar = letter(len(claimed), sender=claimed, recipient="nobody")
            await nova.up_node.inbox.accept_batch(white.node_id, [Posted(liar, 60.0)])
        logged = await declined(nova)
        assert [str(event["sender"]).rpartition("@")[2] for event in logged] == ["white"] * 3
        assert logged[0]["sender"] == "operator@white"
        assert all(len(str(event["sender"])) < 100 for event in logged)

    play_world(story, check)


def test_a_flood_of_refusals_is_counted_and_fills_no_log() -> None:
    async def story(world: World) -> None:
        white, nova = await rated(world, "1/h")
        for first in range(1_000, 3_000, 100):
            batch = [letter(n, recipient="nobody") for n in range(first, first + 100)]
            taken = await nova.up_node.inbox.accept_batch(
                white.node_id, [Posted(one, 60.0) for one in batch]
            )
            assert len(taken.declined) == 100, "each is told all the same"
        assert len(await declined(nova)) == ONE_BY_ONE
        await asyncio.sleep(WHILE_S + 2)
        said = await nova.call("log", lines=1_000)
        (counted,) = (event for event in said.items if event["kind"] == "refusals counted")
        assert (counted["node"], counted["reason"]) == ("white", "unknown_agent")
        assert counted["number"] + ONE_BY_ONE == 2_000
        await white.call("send", to="rin@nova", text="one")
        await white.call("send", to="rin@nova", text="two")
        assert len(await declined(nova)) == ONE_BY_ONE + 1, "a while later it is one by one again"

    play_world(story, check)


def test_a_policy_that_was_set_while_the_agent_was_started_or_stopped_stays() -> None:
    async def story(world: World) -> None:
        white = world.host("white")
        white.up()
        agents = white.up_node.agents
        await white.up_node.starter.start(Start("rin", SOCKET, command=("chat",)))
        deciding: list[asyncio.Future[object]] = []

        def decide(policy: str) -> None:
            deciding.append(
                asyncio.get_running_loop().create_task(agents.set_policy("rin", policy))
            )

        white.panes.when("end", Moment.BEFORE, lambda: decide("closed"))
        await agents.end("rin")
        await asyncio.gather(*deciding)
        assert agents.known("rin").policy == "closed"
        white.panes.when("spawn", Moment.BEFORE, lambda: decide("approval"))
        await white.up_node.starter.start(Start("rin", SOCKET, command=("chat",)))
        await asyncio.gather(*deciding)
        assert len(deciding) == 2
        assert agents.known("rin").policy == "approval"

    play_world(story, check)


def test_a_grant_to_start_agents_fits_their_own_name_and_not_their_address() -> None:
    async def story(world: World) -> None:
        white = world.host("white")
        white.up()
        for name in ("rin", "neo"):
            await white.call("start", name=name, socket=SOCKET, command=("chat",))
        await white.call("grant", who="neo@white", verbs=("spawn",), agent="w*")
        assert (await white.call("end", "neo", name="white:rin")).exit == 7
        assert (await white.call("forget", "neo", name="rin@white")).exit == 7
        words = {"socket": SOCKET, "command": ("chat",)}
        assert (await white.call("start", "neo", name="worker", **words)).exit == 0
        assert (await white.call("end", "neo", name="white:worker")).exit == 0

    play_world(story, check)
