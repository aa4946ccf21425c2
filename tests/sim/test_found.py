"""What storms have found, each as the shortest story that shows it."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from fleet.core.delivery import State
from fleet.core.errors.panes import NoTmux
from tests.support.checkers import check
from tests.support.disk import FULL
from tests.support.host import SOCKET, Host
from tests.support.panes import Moment
from tests.support.programs import Chat
from tests.support.world import World, play_world


async def linked(world: World) -> tuple[Host, Host]:
    """Two nodes, and an agent on the second."""
    white, nova = await world.fleet("white", "nova")
    said = await nova.call("start", name="rin", socket=SOCKET, command=("chat",))
    assert said.exit == 0, said
    await asyncio.sleep(0.5)
    return white, nova


def test_of_two_starts_of_one_name_at_once_one_is_refused_and_one_program_runs() -> None:
    async def story(world: World) -> None:
        (white,) = await world.fleet("white")
        start = partial(white.call, "start", name="rin", socket=SOCKET, command=("chat",))
        both = await asyncio.gather(start(), start())
        told = [said.error["code"] if said.error else "started" for said in both]
        assert told == ["started", "name_taken"]
        assert len(white.tmux.all_panes()) == 1

    play_world(story, check)


def test_an_agent_that_could_not_be_written_down_leaves_no_program_behind() -> None:
    async def story(world: World) -> None:
        (white,) = await world.fleet("white")
        white.disk.trouble = FULL
        said = await white.call("start", name="rin", socket=SOCKET, command=("chat",))
        assert said.error is not None
        assert said.error["code"] == "no_space"
        assert white.tmux.all_panes() == []
        white.disk.mend()
        said = await white.call("start", name="rin", socket=SOCKET, command=("chat",))
        assert said.exit == 0, said

    play_world(story, check)


def test_who_is_cancelled_while_a_commit_is_under_way_takes_no_other_waiter_along() -> None:
    async def story(world: World) -> None:
        (white,) = await world.fleet("white")
        store = white.up_node.store
        store.book.put_roster((("entry", b"body", b"signature"),))

        async def wait() -> str:
            await store.commit()
            return "durable"

        hasty, patient = asyncio.ensure_future(wait()), asyncio.ensure_future(wait())
        asyncio.get_running_loop().call_soon(hasty.cancel)
        assert await patient == "durable"
        with pytest.raises(asyncio.CancelledError):
            await hasty
        store.database.execute("DELETE FROM roster WHERE entry_id = 'entry'")

    play_world(story, check)


def test_a_write_that_fails_where_messages_are_to_be_shown_holds_them_up_for_a_second_only() -> (
    None
):
    async def story(world: World) -> None:
        white, _ = await linked(world)
        # Nothing was shown to nova yet: a bound is written behind the message's own commit, and fails.
        white.disk.fail_once(FULL, after=4)
        said = await white.call("send", to="rin@nova", text="hello")
        assert said.result["state"] == "submitted"

    play_world(story, check)


def test_a_revocation_heard_while_the_disk_is_full_cuts_off_at_once_and_is_kept_after() -> None:
    async def story(world: World) -> None:
        white, nova, kai = await world.fleet("white", "nova", "kai")
        nova.disk.trouble = FULL
        said = await white.call("revoke", node="kai", reason="lost")
        assert said.exit == 0, said
        world.revoked.add(kai.node_id)
        await asyncio.sleep(0.5)
        assert nova.up_node.peers.session(kai.node_id) is None
        nova.disk.mend()
        await asyncio.sleep(2.0)
        nova.crash()
        nova.up()
        assert nova.up_node.fleet.roster.revoked(kai.node_id) is not None

    play_world(story, check)


def test_a_revocation_that_could_not_be_written_is_not_called_one_until_it_is() -> None:
    async def story(world: World) -> None:
        white, nova, kai = await world.fleet("white", "nova", "kai")
        white.disk.trouble = FULL
        for _ in range(2):  # the same again is no other answer
            said = await white.call("revoke", node="kai", reason="lost")
            assert said.error is not None
            assert (said.exit, said.error["code"]) == (5, "not_kept")
            assert said.error["message"].startswith("kai is put out and cut off, and that is not")
        assert white.up_node.peers.session(kai.node_id) is None
        roster = nova.up_node.fleet.roster
        await world.until(lambda: roster.revoked(kai.node_id) is not None, "nova is told")
        white.disk.mend()
        assert (await white.call("revoke", node="kai")).exit == 0
        world.revoked.add(kai.node_id)
        assert await put_out(white) == 1
        world.net.cut(white.node_id, nova.node_id)
        world.net.cut(nova.node_id, white.node_id)
        white.crash()
        white.up()
        assert white.up_node.fleet.roster.revoked(kai.node_id) is not None
        world.net.heal()

    play_world(story, check)


def test_a_revocation_that_could_not_be_written_is_written_as_soon_as_it_can_be() -> None:
    async def story(world: World) -> None:
        white, _, kai = await world.fleet("white", "nova", "kai")
        white.disk.trouble = FULL
        assert (await white.call("revoke", node="kai", reason="lost")).exit == 5
        world.revoked.add(kai.node_id)
        await asyncio.sleep(3.0)
        white.disk.mend()
        await asyncio.sleep(2.0)
        assert await put_out(white) == 1, "it is in the log, once"
        white.crash()
        white.up()
        assert white.up_node.fleet.roster.revoked(kai.node_id) is not None

    play_world(story, check)


async def put_out(host: Host) -> int:
    """How many revocations a node's log tells of."""
    return sum(e["kind"] == "node revoked" for e in (await host.call("log", lines=1_000)).items)


def test_a_node_that_stops_takes_up_no_link() -> None:
    async def story(world: World) -> None:
        white, nova = await linked(world)
        nova.up_node.peers.close("the node stops")
        await asyncio.sleep(5.0)  # white dials, and dials again
        assert nova.up_node.peers.session(white.node_id) is None
        assert white.up_node.peers.session(nova.node_id) is None

    play_world(story, check)


def test_what_is_not_yet_committed_is_told_on_no_new_link_either() -> None:
    async def story(world: World) -> None:
        white, nova = await linked(world)
        nova.disk.lag_s = 1.0
        said = await white.call("send", to="rin@nova", text="hello", timeout_s=0.0)
        await asyncio.sleep(0.1)
        world.net.drop(white.node_id, nova.node_id)
        await asyncio.sleep(0.3)
        assert white.up_node.peers.session(nova.node_id) is not None
        nova.crash()
        row = white.up_node.store.outbox.get(said.result["id"])
        assert row is not None
        assert row.state is State.QUEUED
        nova.disk.mend()
        nova.up()

    play_world(story, check)


def test_a_paste_that_was_lost_and_whose_next_try_is_taken_back_is_tried_again() -> None:
    async def story(world: World) -> None:
        white, nova = await linked(world)

        def fail(moment: str) -> None:
            if moment == "before commit":
                nova.disk.at = nova.at
                nova.disk.fail_once(FULL, 0)

        def lose() -> None:
            nova.disk.at = fail
            raise NoTmux("the answer is lost")

        nova.panes.when("paste", Moment.BEFORE, lose)
        said = await white.call("send", to="rin@nova", text="hello")
        assert said.result["state"] == State.SUBMITTED

    play_world(story, check)


def test_what_waits_behind_a_message_for_approval_is_typed_when_that_one_expires() -> None:
    async def story(world: World) -> None:
        (white,) = await world.fleet("white")
        start = partial(white.call, "start", socket=SOCKET, command=("chat",))
        assert (await start(name="neo")).exit == 0
        assert (await start(name="rin", policy="approval")).exit == 0
        send = partial(white.call, "send", "neo", to="rin@white", timeout_s=0.0)
        assert (await send(text="first", expires_s=3.0)).result["state"] == State.HELD
        assert (await white.call("policy", name="rin", policy="open")).exit == 0
        behind = (await send(text="second")).result["id"]
        await asyncio.sleep(10.0)
        shown = (await white.call("show", id=behind)).result
        assert shown["state"] == State.SUBMITTED

    play_world(story, check)


def test_what_was_next_only_by_an_end_that_is_taken_back_does_not_overtake() -> None:
    async def story(world: World) -> None:
        (white,) = await world.fleet("white")
        for name in ("neo", "rin"):
            await white.call("start", name=name, socket=SOCKET, command=("chat",))
        program = next(pane.front for pane in white.tmux.all_panes() if pane.id == "%1")
        assert isinstance(program, Chat)
        program.set(question="Allow it?")
        send = partial(white.call, "send", "neo", to="rin@white", timeout_s=1.0)
        first = (await send(text="first")).result
        assert (first["state"], first["reason"]) == (State.HELD, "dialog")
        await send(text="second", timeout_s=0.0)
        await asyncio.sleep(0.1)

        def fail(moment: str) -> None:
            if moment == "before commit":
                white.disk.at = white.at
                white.disk.fail_once(FULL, 0)

        program.set(question="")
        white.disk.at = fail  # it is cancelled, the second is looked at, and it is not cancelled
        said = await white.call("cancel", id=first["id"])
        assert said.error is not None
        assert said.error["code"] == "no_space"
        await asyncio.sleep(3.0)
        order = [line for turn in program.turns for line in turn.splitlines() if " | " not in line]
        assert [word for word in order if word in {"first", "second"}] == ["first", "second"]

    play_world(story, check)


def test_a_node_that_stops_amid_its_own_joining_has_joined_when_it_is_up_again() -> None:
    async def story(world: World) -> None:
        (white,) = await world.fleet("white")
        kai = world.host("kai")
        kai.up()
        token, _ = await white.do(white.up_node.membership.invite(60.0))
        white.disk.lag_s = 1.0  # its answer comes when kai dials nobody any more
        joining = asyncio.ensure_future(kai.do(kai.up_node.membership.join(token)))
        await asyncio.sleep(0.5)
        await kai.down()
        await joining
        white.disk.mend()
        kai.up()
        await world.linked(white, kai)

    play_world(story, check)
