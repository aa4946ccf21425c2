"""Several who type at once, and one who does not know whether it has typed: each text once."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import signal

import pytest

from fleet.core.errors.panes import NoTmux
from fleet.core.keystrokes import Paste
from node.adapters.tmux import TmuxPanes
from tests.support.tmux_server import TmuxServer, run


def test_four_deliverers_of_the_same_paste_type_it_once() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        agent = tmux.listener()
        ref = await tmux.bound(panes, agent)
        rivals = [panes, *(tmux.adapter() for _ in range(3))]
        expected = b""
        try:
            for number in range(1, 41):
                text = b"<%d>" % number
                done = await asyncio.gather(
                    *(one.paste(ref, number, text, Paste.BRACKETED) for one in rivals)
                )
                assert sorted(done) == [False, False, False, True]
                expected += text
            assert agent.wait_heard(len(expected)) == expected
            assert tmux("list-buffers") == "", "no text is left lying"
        finally:
            for one in rivals[1:]:
                await one.close()

    run(story)


def test_two_nodes_on_one_server_never_type_each_others_text() -> None:
    """Both count their pastes from one; while one's buffer is loaded, tmux goes on with the other."""

    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        nodes = [panes, TmuxPanes("_fleet-other", "fleet-other", ("-f", "/dev/null"))]
        agents = [tmux.listener() for _ in nodes]
        refs = [await tmux.bound(node, agent) for node, agent in zip(nodes, agents, strict=True)]

        async def type_all(who: int) -> None:
            for number in range(1, 101):
                text = b"node %d text %03d" % (who, number)
                assert await nodes[who].paste(refs[who], number, text, Paste.BRACKETED)
                assert await nodes[who].enter(refs[who], number)

        try:
            await asyncio.gather(*(type_all(who) for who in range(2)))
            for who, agent in enumerate(agents):
                expected = b"".join(b"node %d text %03d\r" % (who, n) for n in range(1, 101))
                assert agent.wait_heard(len(expected)) == expected
        finally:
            await nodes[1].close()

    run(story)


def test_an_older_paste_that_comes_late_is_refused_and_its_enter_too() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        agent = tmux.listener()
        ref = await tmux.bound(panes, agent)
        assert await panes.paste(ref, 7, b"new", Paste.BRACKETED)
        assert not await panes.paste(ref, 7, b"again", Paste.BRACKETED)
        assert not await panes.paste(ref, 6, b"old", Paste.BRACKETED)
        assert not await panes.enter(ref, 6)
        assert await panes.enter(ref, 7)
        look = await panes.look(ref)
        assert (look.last, look.sub) == (7, 7)
        assert agent.wait_heard(4) == b"new\r"

    run(story)


@pytest.mark.parametrize("seed", range(2))
def test_a_storm_of_killed_clients_loses_nothing_and_doubles_nothing(seed: int) -> None:
    """Each text is tried until tmux has answered; whether an earlier try went through, the mark knows."""

    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        chance = random.Random(seed)
        agent = tmux.listener()
        ref = await tmux.bound(panes, agent)
        kills = 0

        async def strike(client: int) -> None:
            nonlocal kills
            await asyncio.sleep(chance.random() * 0.002)  # before, amid or after the paste
            with contextlib.suppress(ProcessLookupError):
                os.kill(client, signal.SIGKILL)
                kills += 1

        async def typed(number: int, text: bytes) -> None:
            while True:
                clients = tmux.control_clients() if chance.random() < 0.7 else []
                paste = panes.paste(ref, number, text, Paste.BRACKETED)
                told, *_ = await asyncio.gather(
                    paste, *map(strike, clients), return_exceptions=True
                )
                assert isinstance(told, bool | NoTmux), told
                was_heard = chance.random() < 0.7  # or the node died before it wrote that down
                if isinstance(told, bool) and was_heard:
                    return

        expected = b""
        for number in itertools.count(1):
            text = b"<text %d>" % number
            await typed(number, text)
            expected += text
            if kills >= 60:
                break
        assert agent.wait_heard(len(expected)) == expected
        assert tmux("list-buffers") == "", "no text is left lying"

    run(story)
