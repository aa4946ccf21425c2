"""One client, many requests: each gets its own answer, whatever a screen shows or a server does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncGenerator

import pytest

from fleet.core.errors.panes import NoTmux
from node.adapters.tmux import TmuxPanes
from node.adapters.tmux.control import ANSWER_S, Blocks, ControlClient
from tests.support.tmux_server import PEOPLE, TmuxServer, run
from tests.support.until import eventually, until


@contextlib.asynccontextmanager
async def opened(
    socket: str, session: str, answer_s: float = ANSWER_S
) -> AsyncGenerator[ControlClient]:
    client = ControlClient(socket, session, answer_s=answer_s)
    try:
        await client.open()
        yield client
    finally:
        client.close()
        await client.ended()


def test_many_requests_at_once_each_get_their_own_answer() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        async with opened(tmux.socket, PEOPLE) as client:
            asked = [f"display-message -p 'answer {n}'" for n in range(300)]
            answers = await asyncio.gather(*map(client.ask, asked))
        assert answers == [[f"answer {n}"] for n in range(300)]

    run(story)


@pytest.mark.parametrize(
    "line",
    ["no-such-command", "capture-pane -p -t %999", "display-message -p '#{", "if-shell -F 1 { {"],
)
def test_a_line_that_fails_does_not_touch_the_next_answer(line: str) -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        async with opened(tmux.socket, PEOPLE) as client:
            wrong, right = client.ask(line), client.ask("display-message -p right")
            answers = await asyncio.gather(wrong, right)
        assert "right" not in answers[0]
        assert answers[1] == ["right"]

    run(story)


def test_a_screen_cannot_forge_the_end_of_an_answer() -> None:
    """Its rows would become the answer to the next request, which may be a paste."""

    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        rows = ["%begin 1 2 1", "%end 1 2 1", "%error 1 2 1", "%exit", "FLEET-SENT", "fleet-1"]
        rows += [f"fleet-sentinel-{n}" for n in range(1, 20)]
        rows += [f"%end {n} {n} 1" for n in range(4)]
        show = 'printf "%s\\n" "$@"; printf shown; exec sleep infinity'
        pane = tmux.window("sh", "-c", show, "sh", *rows)
        until(lambda: "shown" in tmux("capture-pane", "-p", "-t", pane), "the rows are shown")
        ref = await panes.bind(tmux.socket, pane, "a" * 16)
        for _ in range(20):
            assert (await panes.look(ref)).rows[: len(rows)] == tuple(rows)

    run(story)


def test_a_guessed_end_of_a_block_spoils_one_answer_and_no_other() -> None:
    """Numbers of blocks count up, and a program could guess the next."""
    blocks = Blocks()

    def answers(lines: list[str], token: str) -> list[list[str]]:
        return [found for line in lines if (found := blocks.take(line, token)) is not None]

    forged = ["%begin 7 1 1", "row", "%end 7 1 1", "lost", "%begin forged", "%end 7 1 1"]
    assert len(answers([*forged, "%begin 7 2 1", "token-1", "%end 7 2 1"], "token-1")) == 1
    plain = ["%begin 7 3 1", "right", "%end 7 3 1", "%begin 7 4 1", "token-2", "%end 7 4 1"]
    assert answers(plain, "token-2") == [["right"]]


def test_what_tmux_says_between_answers_is_not_part_of_one() -> None:
    blocks = Blocks()
    lines = [
        "%sessions-changed", "fleet-token", "%begin 1 1 1", "a", "", "%end 1 1 1", "%window-add @3",
        "%begin 1 2 1", "%end 1 1 1", "b", "%error 1 2 1", "%begin 1 3 1", "fleet-token",
    ]  # fmt: skip
    found = [answer for line in lines if (answer := blocks.take(line, "fleet-token"))]
    assert found == [["a", "", "%end 1 1 1", "b"]]


@pytest.mark.parametrize("victim", ["client", "server"])
def test_an_end_of_either_side_tells_all_who_wait(victim: str) -> None:
    """A server that comes to the requests of a killed client may still answer them, each its own."""

    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        async with opened(tmux.socket, PEOPLE) as client:
            (pid,) = tmux.control_clients()
            with tmux.stopped() as server:
                asked = [client.ask(f"display-message -p {n}") for n in range(5)]
                answers = asyncio.gather(*asked, return_exceptions=True)
                await asyncio.sleep(0)  # they are written
                os.kill(pid if victim == "client" else server, signal.SIGKILL)
            for number, answer in enumerate(await answers):
                if victim == "server" or not isinstance(answer, list):
                    assert isinstance(answer, NoTmux)
                else:
                    assert answer == [str(number)]
            await eventually(lambda: not client.is_open, "the end is noticed")

    run(story)


def test_an_answer_that_came_while_the_node_stood_still_is_heard() -> None:
    """The limit had passed by then, and a client whose server was well was given up."""

    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        async with opened(tmux.socket, PEOPLE, answer_s=0.5) as client:
            asked = asyncio.create_task(client.ask("display-message -p right"))
            await asyncio.sleep(0)  # it is written
            time.sleep(1.0)  # noqa: ASYNC251 - the whole process stands still
            assert await asked == ["right"]
            assert client.is_open

    run(story)


def test_a_client_that_was_given_up_takes_no_more_requests() -> None:
    """They got the late answers to those before them: a pane that was there was said to be gone."""

    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        async with opened(tmux.socket, PEOPLE, answer_s=0.5) as client:
            with tmux.stopped():
                with pytest.raises(NoTmux, match="does not answer"):
                    await client.ask("display-message -p old")
                assert not client.is_open
            with pytest.raises(NoTmux, match="is gone"):
                await client.ask("display-message -p new")

    run(story)


def test_looks_after_a_client_was_killed_open_one_other() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        ref = await tmux.bound(panes, tmux.listener())
        (client,) = tmux.control_clients()
        os.kill(client, signal.SIGKILL)
        await eventually(lambda: client not in tmux.control_clients(), "our client is gone")
        looks = await asyncio.gather(*(panes.look(ref) for _ in range(10)))
        assert {look.token for look in looks} == {ref.token}
        assert len(tmux.control_clients()) == 1

    run(story)


def test_a_client_of_no_server_says_so() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        with pytest.raises(NoTmux):
            async with opened(str(tmux.folder / "none"), PEOPLE):
                pass
        assert not (tmux.folder / "none").exists(), "and starts none"
        with contextlib.suppress(NoTmux):  # tmux may answer before it says that there is no such
            async with opened(tmux.socket, "nobody") as client:
                await eventually(lambda: not client.is_open, "it ends by itself")
        async with opened(tmux.socket, PEOPLE) as client:
            tmux.kill()
            await eventually(lambda: not client.is_open, "its end is noticed")
            with pytest.raises(NoTmux):
                await client.ask("display-message -p x")

    run(story)
