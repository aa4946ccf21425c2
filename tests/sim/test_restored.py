"""A database that is put back from an older copy types nothing twice, and swallows nothing.

What its node forgot is known by its peers and by the marks on its panes. Where neither can tell, the
message is in doubt, and a person decides.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from fleet.core.delivery import State
from node.engine.earlier import ASKED_FOR_S
from tests.support.host import SOCKET, Host
from tests.support.programs import Chat
from tests.support.world import World, play_world

Story = Callable[["Pair"], Awaitable[None]]


class Pair:
    """Two nodes, and an agent of the second one."""

    def __init__(self, world: World, white: Host, nova: Host) -> None:
        self.world = world
        self.white = white
        self.nova = nova

    def copy(self, host: Host) -> Path:
        """A copy of a node's database as it is now."""
        host.up_node.store.database.flush()
        copy = host.folder / "copy.db"
        copy.unlink(missing_ok=True)
        with sqlite3.connect(host.folder / "fleet.db") as database:
            database.execute("VACUUM INTO ?", (str(copy),))
        database.close()
        return copy

    def put_back(self, host: Host, copy: Path) -> None:
        """The node dies, and its next life begins on the copy."""
        host.crash()
        for old in host.folder.glob("fleet.db*"):
            old.unlink()
        copy.rename(host.folder / "fleet.db")
        host.up()

    async def send(
        self, text: str, to: str = "rin@nova", by: Host | None = None, **wish: Any
    ) -> str:
        """Send without waiting; the envelope's id."""
        said = await (by or self.white).call("send", to=to, text=text, timeout_s=0.0, **wish)
        return str(said.result["id"])

    def ask(self, question: str) -> None:
        """The agent has a question open, or none."""
        self.nova.program("rin").set(question=question)

    async def state(self, host: Host, envelope_id: str, *states: str) -> None:
        """Wait until a node says that an envelope is in one of these states."""
        table = host.up_node.store.inbox if host is self.nova else host.up_node.store.outbox

        def is_there() -> bool:
            row = table.get(envelope_id)
            return row is not None and row.state in states

        await self.world.until(is_there, f"{host.name} says {states} of {envelope_id}")

    async def linked(self) -> None:
        await self.world.linked(self.white, self.nova)
        await self.world.settle()

    def given(self) -> list[str]:
        """The texts that the agent's programs were given, of all incarnations."""
        programs = dict.fromkeys(birth.program for birth in self.world.births.values())
        chats = [program for program in programs if isinstance(program, Chat)]
        return [turn.split("\n")[1] for chat in chats for turn in chat.turns]

    async def respawn(self) -> None:
        """The agent's program ends, and another one is started."""
        assert (await self.nova.call("end", name="rin")).exit == 0
        said = await self.nova.call("start", name="rin", socket=SOCKET, command=("chat",))
        assert said.exit == 0, said


def restored(story: Story) -> None:
    async def told(world: World) -> None:
        white, nova = await world.fleet("white", "nova")
        await nova.call("start", name="rin", socket=SOCKET, command=("chat",))
        await world.until(lambda: white.up_node.fleet.directory.called("rin"), "white knows rin")
        pair = Pair(world, white, nova)
        first = await pair.send("first")
        await pair.state(white, first, "submitted")
        await story(pair)

    play_world(told, lambda _world: None)


# --- the recipient's --------------------------------------------------------------------------------


def test_what_was_typed_since_the_copy_is_not_typed_again() -> None:
    """It waited when the copy was made; its pane and its sender know that it waits no more."""

    async def story(pair: Pair) -> None:
        pair.ask("Allow rm?")
        held = await pair.send("held")
        await pair.state(pair.white, held, "held")
        copy = pair.copy(pair.nova)
        pair.ask("")
        await pair.state(pair.white, held, "submitted")
        pair.put_back(pair.nova, copy)
        await pair.linked()
        await pair.state(pair.nova, held, "in_doubt")
        await pair.state(pair.white, held, "submitted")
        assert pair.given() == ["first", "held"]

    restored(story)


def test_nor_while_its_sender_is_away_since_the_pane_knows() -> None:
    async def story(pair: Pair) -> None:
        pair.ask("Allow rm?")
        held = await pair.send("held")
        await pair.state(pair.white, held, "held")
        copy = pair.copy(pair.nova)
        pair.ask("")
        await pair.state(pair.white, held, "submitted")
        pair.white.crash()
        pair.put_back(pair.nova, copy)
        await pair.state(pair.nova, held, "in_doubt")
        pair.white.up()
        await pair.linked()
        assert pair.given() == ["first", "held"]
        after = await pair.send("after")
        await pair.state(pair.white, after, "submitted")

    restored(story)


def test_nor_into_another_incarnation_since_its_sender_knows() -> None:
    async def story(pair: Pair) -> None:
        pair.ask("Allow rm?")
        held = await pair.send("held")
        await pair.state(pair.white, held, "held")
        copy = pair.copy(pair.nova)
        pair.ask("")
        await pair.state(pair.white, held, "submitted")
        await pair.respawn()
        pair.put_back(pair.nova, copy)
        await pair.linked()
        await pair.state(pair.nova, held, "in_doubt")
        await pair.respawn()
        await pair.world.settle()
        assert pair.given() == ["first", "held"]

    restored(story)


def test_what_was_cancelled_since_the_copy_stays_cancelled() -> None:
    async def story(pair: Pair) -> None:
        pair.ask("Allow rm?")
        held = await pair.send("held")
        await pair.state(pair.white, held, "held")
        copy = pair.copy(pair.nova)
        await pair.white.call("cancel", id=held)
        await pair.state(pair.white, held, "cancelled")
        pair.put_back(pair.nova, copy)
        await pair.linked()
        pair.ask("")
        await pair.world.settle()
        assert pair.given() == ["first"]
        await pair.state(pair.nova, held, "cancelled")

    restored(story)


def test_what_was_taken_since_the_copy_and_surely_not_typed_is_typed_once_and_in_order() -> None:
    async def story(pair: Pair) -> None:
        pair.ask("Allow rm?")
        copy = pair.copy(pair.nova)
        ids = [await pair.send(text) for text in ("one", "two")]
        await pair.state(pair.white, ids[0], "held")
        await pair.state(pair.white, ids[1], "accepted")
        pair.world.net.cut(pair.white.node_id, pair.nova.node_id)
        ids.append(await pair.send("three"))
        pair.put_back(pair.nova, copy)
        pair.world.net.heal()
        await pair.linked()
        pair.ask("")
        for envelope_id in ids:
            await pair.state(pair.white, envelope_id, "submitted")
        assert pair.given() == ["first", "one", "two", "three"]

    restored(story)


def test_what_was_taken_since_the_copy_and_may_have_been_typed_is_in_doubt() -> None:
    async def story(pair: Pair) -> None:
        copy = pair.copy(pair.nova)
        typed = await pair.send("typed")
        await pair.state(pair.white, typed, "submitted")
        pair.ask("Allow rm?")
        held = await pair.send("held")
        await pair.state(pair.white, held, "held")
        pair.put_back(pair.nova, copy)
        pair.ask("")
        await pair.linked()
        await pair.state(pair.white, held, "in_doubt")
        assert pair.given() == ["first", "typed"]
        after = await pair.send("after")
        await pair.state(pair.white, after, "submitted")
        assert pair.given() == ["first", "typed", "after"]

    restored(story)


def test_what_was_typed_and_never_answered_for_is_not_typed_again_when_it_is_offered_again() -> (
    None
):
    async def story(pair: Pair) -> None:
        copy = pair.copy(pair.nova)
        pair.world.net.cut(pair.nova.node_id, pair.white.node_id)  # no answer comes back
        typed = await pair.send("typed")
        await pair.world.until(lambda: len(pair.given()) == 2, "it is typed")
        assert pair.white.up_node.store.outbox.get(typed).state == "queued"  # type: ignore[union-attr]
        pair.put_back(pair.nova, copy)
        pair.world.net.heal()
        await pair.linked()
        await pair.state(pair.white, typed, "in_doubt")
        assert pair.given() == ["first", "typed"]

    restored(story)


def test_a_persons_mail_that_was_forgotten_is_there_again() -> None:
    async def story(pair: Pair) -> None:
        copy = pair.copy(pair.nova)
        mail = await pair.send("for you", to="operator@nova")
        await pair.state(pair.white, mail, "accepted")
        pair.put_back(pair.nova, copy)
        await pair.linked()
        await pair.state(pair.nova, mail, "accepted")
        await pair.state(pair.white, mail, "accepted")

    restored(story)


def test_news_of_a_shorter_timeline_than_was_told_before_is_heard() -> None:
    async def story(pair: Pair) -> None:
        pair.ask("Allow rm?")
        held = await pair.send("held")
        await pair.state(pair.white, held, "held")
        copy = pair.copy(pair.nova)
        for question in ("Allow ls?", "Allow cp?", "Allow mv?", "Allow dd?", "Allow ed?"):
            pair.ask(question)
            pair.nova.pane("rin").mode = "copy-mode"
            await pair.world.settle()
            pair.nova.pane("rin").mode = ""
            await pair.world.settle()
        before = pair.white.up_node.store.outbox.get(held)
        assert before is not None
        assert before.remote > 5
        pair.put_back(pair.nova, copy)
        await pair.linked()
        pair.ask("")
        await pair.state(pair.white, held, "submitted")
        assert pair.given() == ["first", "held"]

    restored(story)


def test_what_was_typed_since_the_copy_and_is_overdue_now_is_in_doubt_since_its_pane_knows() -> (
    None
):
    async def story(pair: Pair) -> None:
        pair.ask("Allow rm?")
        ids = [await pair.send("far", expires_s=5.0)]
        await pair.state(pair.nova, ids[0], "held")
        ids.append(await pair.send("near", by=pair.nova, expires_s=5.0))
        copy = pair.copy(pair.nova)
        pair.ask("")
        for envelope_id in ids:
            await pair.state(pair.nova, envelope_id, "submitted")
        pair.white.crash()
        pair.nova.clock.ahead_s += 10.0
        pair.put_back(pair.nova, copy)
        for envelope_id in ids:
            await pair.state(pair.nova, envelope_id, "in_doubt")

    restored(story)


def test_or_its_sender_knows_and_is_waited_for() -> None:
    async def story(pair: Pair) -> None:
        pair.ask("Allow rm?")
        held = await pair.send("held", expires_s=5.0)
        await pair.state(pair.white, held, "held")
        copy = pair.copy(pair.nova)
        pair.ask("")
        await pair.state(pair.white, held, "submitted")
        await pair.respawn()
        pair.white.crash()
        pair.nova.clock.ahead_s += 10.0
        pair.put_back(pair.nova, copy)
        await asyncio.sleep(ASKED_FOR_S - 5.0)
        await pair.state(pair.nova, held, "held")
        pair.white.up()
        await pair.linked()
        await pair.state(pair.nova, held, "in_doubt")
        await pair.state(pair.white, held, "submitted")

    restored(story)


def test_who_is_waited_for_in_vain_may_know_that_it_was_typed() -> None:
    async def story(pair: Pair) -> None:
        pair.ask("Allow rm?")
        held = await pair.send("held", expires_s=5.0)
        await pair.state(pair.white, held, "held")
        copy = pair.copy(pair.nova)
        pair.ask("")
        await pair.state(pair.white, held, "submitted")
        await pair.respawn()
        pair.white.crash()
        pair.nova.clock.ahead_s += 10.0
        pair.put_back(pair.nova, copy)
        await pair.state(pair.nova, held, "held")
        await asyncio.sleep(ASKED_FOR_S + 5.0)
        await pair.state(pair.nova, held, "in_doubt")
        assert pair.given() == ["first", "held"]

    restored(story)


def test_of_an_agent_that_is_forgotten_before_anybody_could_be_asked_it_is_in_doubt_too() -> None:
    async def story(pair: Pair) -> None:
        pair.ask("Allow rm?")
        held = await pair.send("held")
        await pair.state(pair.white, held, "held")
        copy = pair.copy(pair.nova)
        pair.ask("")
        await pair.state(pair.white, held, "submitted")
        await pair.respawn()
        pair.white.crash()
        pair.put_back(pair.nova, copy)
        assert (await pair.nova.call("forget", name="rin")).exit == 0
        await pair.state(pair.nova, held, "in_doubt")

    restored(story)


# --- the sender's -----------------------------------------------------------------------------------


def test_what_was_queued_in_the_copy_and_typed_since_is_submitted_again_and_typed_once() -> None:
    async def story(pair: Pair) -> None:
        pair.nova.crash()
        waits = await pair.send("waits")
        copy = pair.copy(pair.white)
        pair.nova.up()
        await pair.state(pair.white, waits, "submitted")
        pair.put_back(pair.white, copy)
        await pair.state(pair.white, waits, "submitted")
        assert pair.given() == ["first", "waits"]

    restored(story)


def test_what_was_held_in_the_copy_is_told_to_its_end() -> None:
    async def story(pair: Pair) -> None:
        pair.ask("Allow rm?")
        held = await pair.send("held")
        await pair.state(pair.white, held, "held")
        copy = pair.copy(pair.white)
        pair.ask("")
        await pair.state(pair.white, held, "submitted")
        await pair.world.settle()
        pair.put_back(pair.white, copy)
        await pair.state(pair.white, held, "submitted")
        assert pair.given() == ["first", "held"]

    restored(story)


def test_what_was_called_off_by_a_sender_that_forgot_it_was_typed_is_put_right_on_contact() -> None:
    async def story(pair: Pair) -> None:
        pair.nova.crash()
        waits = await pair.send("waits")
        copy = pair.copy(pair.white)
        pair.nova.up()
        await pair.state(pair.white, waits, "submitted")
        pair.nova.crash()
        pair.put_back(pair.white, copy)
        said = await pair.white.call("cancel", id=waits)
        assert said.exit == 0
        pair.nova.up()
        await pair.state(pair.white, waits, "submitted")
        assert pair.given() == ["first", "waits"]

    restored(story)


def test_what_was_sent_since_the_copy_is_forgotten_by_its_sender_and_typed_once() -> None:
    async def story(pair: Pair) -> None:
        copy = pair.copy(pair.white)
        pair.ask("Allow rm?")
        sent = await pair.send("sent")
        await pair.state(pair.nova, sent, "held")
        pair.put_back(pair.white, copy)
        await pair.linked()
        pair.ask("")
        await pair.state(pair.nova, sent, "submitted")
        again = await pair.send("another")
        await pair.state(pair.white, again, "submitted")
        assert pair.given() == ["first", "sent", "another"]

    restored(story)


# --- and in ordinary lives --------------------------------------------------------------------------


def test_a_node_that_only_died_asks_and_doubts_nothing() -> None:
    async def story(pair: Pair) -> None:
        pair.ask("Allow rm?")
        ids = [await pair.send(text) for text in ("one", "two")]
        await pair.state(pair.white, ids[0], "held")
        for host in (pair.nova, pair.white, pair.nova):
            host.crash()
            host.up()
            await pair.linked()
        pair.ask("")
        for envelope_id in ids:
            await pair.state(pair.white, envelope_id, "submitted")
        assert pair.given() == ["first", "one", "two"]
        row = pair.white.up_node.store.outbox.get(ids[1])
        assert row is not None
        assert [entry.state for entry in row.timeline].count(State.QUEUED) == 1

    restored(story)


def test_what_is_overdue_after_an_ordinary_restart_expires_as_soon_as_its_pane_or_sender_has_a_say() -> (
    None
):
    async def story(pair: Pair) -> None:
        pair.ask("Allow rm?")
        first = await pair.send("one", expires_s=5.0)
        await pair.state(pair.white, first, "held")
        pair.white.crash()
        pair.nova.crash()
        pair.nova.clock.ahead_s += 10.0
        pair.nova.up()
        await pair.state(pair.nova, first, "expired")
        pair.white.up()
        await pair.linked()

        second = await pair.send("two", expires_s=5.0)
        await pair.state(pair.white, second, "held")
        pair.white.crash()
        pair.nova.crash()
        pair.nova.tmux.kill(SOCKET)
        pair.nova.clock.ahead_s += 10.0
        pair.nova.up()
        await asyncio.sleep(10.0)
        await pair.state(pair.nova, second, "held")
        pair.white.up()
        await pair.state(pair.white, second, "expired")
        assert pair.given() == ["first"]

    restored(story)


def test_what_was_under_way_and_never_arrived_is_typed_into_whatever_life_the_agent_has() -> None:
    async def story(pair: Pair) -> None:
        pair.world.net.cut(pair.white.node_id, pair.nova.node_id)
        sent = await pair.send("sent")
        await pair.respawn()
        await pair.world.until(
            lambda: pair.white.up_node.peers.session(pair.nova.node_id) is None, "white notices"
        )
        pair.world.net.heal()
        await pair.state(pair.white, sent, "submitted")
        assert pair.given() == ["first", "sent"]

    restored(story)
