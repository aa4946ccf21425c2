"""What waits for nodes that are away is bounded: one more is refused, and nothing else is lost by it."""

from __future__ import annotations

from fleet.config import OutboxLimits
from fleet.core.envelope import Envelope
from node.engine.tail import LIMIT, LIMIT_CHARACTERS, Tail
from tests.support.checkers import check
from tests.support.host import SOCKET, Host
from tests.support.letters import letter
from tests.support.visits import Said
from tests.support.world import World, play_world


async def away(world: World, *names: str, limits: OutboxLimits) -> Host:
    """A node that may keep so much for others, each with an agent rin, which are away."""
    white, *others = await world.fleet("white", *names)
    white.up_node.outbox.room.limits = limits
    for other in others:
        await other.call("start", name="rin", socket=SOCKET, command=("chat",))
    await world.until(lambda: len(known(white)) == len(others), "white knows their agents")
    for other in others:
        other.crash()
    return white


def known(host: Host) -> list[str]:
    entries = host.up_node.fleet.directory.called("rin")
    return [entry.name for entry in entries]


async def send(host: Host, to: str, text: str) -> Said:
    return await host.call("send", to=to, text=text, timeout_s=0.0, wait="queued")


def assert_full(said: Said, message: str) -> None:
    assert said.exit == 5
    assert said.error is not None
    assert (said.error["code"], said.error["message"]) == ("mailbox_full", message)


def test_one_more_than_a_node_may_be_sent_is_refused_and_those_that_wait_arrive() -> None:
    async def story(world: World) -> None:
        white = await away(world, "nova", limits=OutboxLimits(peer_messages=2))
        for text in ("one", "two"):
            assert (await send(white, "rin@nova", text)).exit == 0
        message = "the outbox for nova holds 2 envelopes already"
        assert_full(await send(white, "rin@nova", "three"), message)
        white.crash()
        white.up()
        white.up_node.outbox.room.limits = OutboxLimits(peer_messages=2)
        assert_full(await send(white, "rin@nova", "three"), message)
        world.hosts["nova"].up()
        await world.linked(white, world.hosts["nova"])
        await world.settle()
        assert white.up_node.outbox.waiting(world.hosts["nova"].node_id) == 0
        assert (await send(white, "rin@nova", "three")).exit == 0

    play_world(story, check)


def test_what_is_taken_back_makes_room_in_bytes_too() -> None:
    async def story(world: World) -> None:
        white = await away(world, "nova", limits=OutboxLimits(peer_bytes=6))
        first = await send(white, "rin@nova", "éé")  # four bytes
        message = "the outbox for nova has no room for this one in its 6 bytes of text"
        assert_full(await send(white, "rin@nova", "abc"), message)
        assert (await send(white, "rin@nova", "ab")).exit == 0
        assert (await white.call("cancel", id=first.result["id"])).exit == 0
        assert (await send(white, "rin@nova", "abcd")).exit == 0
        assert_full(await send(white, "rin@nova", "a"), message)

    play_world(story, check)


def test_all_nodes_together_have_a_limit_too() -> None:
    async def story(world: World) -> None:
        limits = OutboxLimits(messages=2, bytes=10)
        white = await away(world, "nova", "kai", limits=limits)
        assert (await send(white, "rin@nova", "12345")).exit == 0
        message = "the outbox for all nodes has no room for this one in its 10 bytes of text"
        assert_full(await send(white, "rin@kai", "123456"), message)
        assert (await send(white, "rin@kai", "12345")).exit == 0
        message = "the outbox for all nodes holds 2 envelopes already"
        assert_full(await send(white, "rin@kai", "1"), message)
        world.hosts["kai"].up()
        await world.linked(white, world.hosts["kai"])
        await world.settle()
        assert (await send(white, "rin@nova", "12345")).exit == 0

    play_world(story, check)


def test_nothing_is_kept_in_memory_for_a_node_that_is_away() -> None:
    async def story(world: World) -> None:
        white = await away(world, "nova", limits=OutboxLimits())
        await send(white, "rin@nova", "one")
        assert white.up_node.outbox.kept_in_memory() == 0

    play_world(story, check)


def test_a_tail_is_bounded_in_rows_and_in_characters_and_says_where_it_begins() -> None:
    def filled(rows: int, of: Envelope) -> Tail:
        tail = Tail(0)
        for seq in range(1, rows + 1):
            tail.add(seq, of)
        return tail

    many = filled(LIMIT + 3, letter())
    assert many.since(2, 1) is None
    assert [seq for seq, _ in many.since(3, 2) or ()] == [4, 5]
    long = letter(text="x" * (LIMIT_CHARACTERS // 4))
    heavy = filled(6, long)
    assert heavy.since(1, 1) is None
    assert [seq for seq, _ in heavy.since(2, 9) or ()] == [3, 4, 5, 6]
    heavy.drop(4)
    heavy.add(7, long)
    assert [seq for seq, _ in heavy.since(2, 9) or ()] == [3, 5, 6, 7], (
        "what was dropped is not counted"
    )
