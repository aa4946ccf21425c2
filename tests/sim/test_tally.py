"""What metrics say of envelopes is what became of them, counted on each side."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator

from fleet.core.delivery import State
from fleet.core.envelope import Entry
from fleet.core.metrics import Calls, Histogram
from node.doors.gauges import Gauges
from node.engine.tally import RECEIVED, SENT, TIMED_AT_ONCE, Tally
from node.ports.host import Usage
from tests.support.checkers import check
from tests.support.host import SOCKET, Host
from tests.support.pages import DOCS, quoted, rows
from tests.support.world import World, play_world

METRICS = DOCS / "reference/metrics.md"


def tally_of(host: Host) -> Tally:
    return Tally(host.up_node.events, host.clock)


def gauges_of(host: Host, *, names: bool = False) -> Gauges:
    usage = Usage(73 * 1024**2, 1.5, 20, 1_795_527_462.5)
    return Gauges(host.up_node, tally_of(host), Calls(1.0), lambda: usage, names)


def lines(page: str) -> dict[str, float]:
    return {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in page.splitlines())
        if not name.startswith("#")
    }


def announced(frank: str, shy: str) -> Iterator[tuple[str, str, set[str], bool]]:
    """Every metric of a page: its kind and labels, and whether it is there for names only."""
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", frank, re.MULTILINE):
        labels = set(re.findall(rf'^{name}{{.*?(\w+)="', frank, re.MULTILINE))
        labels |= set(re.findall(rf'^{name}{{.*,(\w+)="', frank, re.MULTILINE))
        yield name, kind, labels, f"# TYPE {name} " not in shy


def timed(histogram: Histogram) -> int:
    return sum(histogram.counts)


def test_each_side_counts_every_state_and_takes_the_time_that_it_knows() -> None:
    async def story(world: World) -> None:
        white, nova = await world.fleet("white", "nova")
        await nova.call("start", name="rin", socket=SOCKET, command=("chat",))
        await asyncio.sleep(0.1)
        sent, received = tally_of(white), tally_of(nova)
        for text in ("one", "two", "three"):
            assert (await white.call("send", to="rin@nova", text=text)).exit == 0
        await asyncio.sleep(1)
        way = (State.ACCEPTED, State.TYPING, State.TYPED, State.SUBMITTED)
        assert sent.states == Counter({(SENT, state): 3 for state in (State.QUEUED, *way)})
        assert received.states == Counter({(RECEIVED, state): 3 for state in way})
        assert (timed(sent.accept), timed(sent.submit)) == (3, 0)
        assert (timed(received.accept), timed(received.submit)) == (0, 3)
        assert 0 < sent.accept.sum_s < received.submit.sum_s, "typing takes longer than a link"

    play_world(story, check)


def test_what_waits_for_a_peer_is_timed_from_the_beginning_and_what_dies_is_counted_alone() -> None:
    async def story(world: World) -> None:
        white, nova = await world.fleet("white", "nova")
        await nova.call("start", name="rin", socket=SOCKET, command=("chat",))
        await asyncio.sleep(0.1)
        sent = tally_of(white)
        nova.crash()
        await white.call("send", to="rin@nova", text="patient", wait="queued")
        await white.call("send", to="rin@nova", text="not", wait="queued", expires_s=5.0)
        await asyncio.sleep(60)
        nova.up()
        await world.linked(white, nova)
        await asyncio.sleep(5)
        assert sent.states[SENT, State.EXPIRED] == 1
        assert sent.states[SENT, State.ACCEPTED] == timed(sent.accept) == 1
        assert 60 <= sent.accept.sum_s < 70

    play_world(story, check)


def test_a_page_names_nobody_unless_it_is_asked_to() -> None:
    async def story(world: World) -> None:
        white, nova = await world.fleet("white", "nova")
        await nova.call("start", name="rin", socket=SOCKET, command=("chat",))
        await asyncio.sleep(0.1)
        shy, frank = gauges_of(nova).page(), gauges_of(nova, names=True).page()
        for name in ("white", "rin", white.node_id, nova.node_id, "nova"):
            assert name not in shy
        assert lines(frank)['fleet_peer_connected{peer="white"}'] == 1
        assert lines(frank)['fleet_agent_waiting{agent="rin"}'] == 0
        assert lines(shy)['fleet_peers{state="connected"}'] == 1
        assert lines(shy)['fleet_agents{state="online"}'] == 1
        # And the page that explains them is about these, in this order, with these labels.
        shown = [
            (name.strip("`"), kind, set(quoted(labels)), about.startswith("names only"))
            for name, kind, labels, about in rows(METRICS.read_text().partition("## What to")[0])
        ]
        assert shown == list(announced(frank, shy))

    play_world(story, check)


def test_a_page_tells_what_waits_now_and_is_made_at_most_once_a_second() -> None:
    async def story(world: World) -> None:
        white, nova = await world.fleet("white", "nova")
        await nova.call("start", name="rin", socket=SOCKET, command=("chat",), policy="approval")
        await asyncio.sleep(0.1)
        gauges = gauges_of(nova)
        await white.call("send", to="rin@nova", text="one", wait="accepted")
        await asyncio.sleep(10)
        first = gauges.page()
        assert lines(first)["fleet_inbox_waiting"] == 1
        assert lines(first)['fleet_inbox_held{reason="approval"}'] == 1
        assert 10 <= lines(first)['fleet_oldest_waiting_seconds{queue="inbox"}'] < 11
        assert lines(first)["fleet_commit_seconds_count"] > 0
        assert lines(first)["process_resident_memory_bytes"] == 73 * 1024**2
        await white.call("send", to="rin@nova", text="two", wait="accepted")
        assert gauges.page() == first, "whoever scrapes in a loop costs next to nothing"
        await asyncio.sleep(1)
        assert lines(gauges.page())["fleet_inbox_waiting"] == 2
        for letter in nova.up_node.store.inbox.open("rin"):
            await nova.call("cancel", id=letter.envelope.id)

    play_world(story, check)


def test_no_more_times_are_taken_at_once_than_memory_allows() -> None:
    async def story(world: World) -> None:
        (white,) = await world.fleet("white")
        tally = tally_of(white)
        queued: list[dict[str, object]] = [
            {"kind": "envelope queued", "id": str(n)} for n in range(TIMED_AT_ONCE + 1)
        ]
        white.up_node.events.logged(queued)
        for envelope_id in ("0", "1"):
            entry = Entry(State.ACCEPTED, 0.0, "nova")
            white.up_node.events.moved(envelope_id, (entry,), sent=True)
        assert tally.states[SENT, State.QUEUED] == TIMED_AT_ONCE + 1
        assert tally.states[SENT, State.ACCEPTED] == 2, "all are counted"
        assert timed(tally.accept) == 1, "the oldest is not timed any more"

    play_world(story, lambda _world: None)
