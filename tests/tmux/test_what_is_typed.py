"""What is pasted arrives byte for byte, and nothing of it, nor of any name, is ever run."""

from __future__ import annotations

import asyncio
import random
import unicodedata
from pathlib import Path

import pytest

from fleet.core.keystrokes import PASTE_BEGIN, PASTE_END, Paste, clean, pasted
from node.adapters.tmux import TmuxPanes
from tests.support.tmux_server import Listener, TmuxServer, run
from tests.support.until import until

HOSTILE = (
    "#(touch {canary})",
    "#{{pane_id}} #{{E:@fleet_inst}} #[fg=red] ##",
    "; touch {canary}",
    "hello;",
    ";",
    "'; run-shell 'touch {canary}",
    '"; run-shell "touch {canary}"; "',
    "}} ; run-shell 'touch {canary}' ; {{",
    "a\nrun-shell 'touch {canary}'\nb",
    "$HOME ${{HOME}} $(touch {canary}) `touch {canary}`",
    "Enter C-c Escape",
    "-l -t %0 --",
    "%begin 1 1 1\n%end 1 1 1\n%exit",
    "\x1b[201~\ntouch {canary}\n",
    "\x1b[200~ nested \x1b[201~",
    "\x1bP tmux; \x1b\\ \x1b]2;title\x07",
    "\x9b201~ \xc2\x9b201~",
    "".join(map(chr, range(1, 32))) + "\x7f" + "".join(map(chr, range(0x80, 0xA0))),
    "\ttab\t\tand  blanks  ",
    "ไทย עברית 漢字 👩‍💻 e\u0301 \u202e \u200b \U000e0041 \ue000 \ufffe",
    "!history /slash #comment ~tilde \\ backslash ^V",
)


async def typed(panes: TmuxPanes, tmux: TmuxServer, agent: Listener, texts: list[str]) -> bytes:
    """Type each text and press Enter; all that has to arrive."""
    ref = await tmux.bound(panes, agent)
    expected = b""
    for number, text in enumerate(texts, start=1):
        data = pasted(clean(text).text, Paste.BRACKETED)
        expected += data + b"\r"
        assert await panes.paste(ref, number, data, Paste.BRACKETED)
        assert await panes.enter(ref, number)
    return expected


def test_hostile_texts_arrive_cleaned_and_framed_and_nothing_of_them_runs() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        canary = tmux.folder / "canary"
        agent = tmux.listener()
        texts = [text.format(canary=canary) for text in HOSTILE]
        expected = await typed(panes, tmux, agent, texts)
        assert agent.wait_heard(len(expected)) == expected
        assert expected.count(PASTE_BEGIN) == expected.count(PASTE_END) == len(HOSTILE)
        assert not canary.exists()

    run(story)


@pytest.mark.parametrize("seed", range(3))
def test_texts_of_any_characters_arrive_as_they_were_cleaned(seed: int) -> None:
    chance = random.Random(seed)
    special = "\x1b\r\n\t;'\"\\#$%{}()`~[]\x00\x03\x7f\u202e\u2028éไ漢👩"

    def character() -> str:
        if chance.random() < 0.6:
            return chance.choice(special)
        char = chr(chance.randrange(0x110000))
        return "?" if unicodedata.category(char) == "Cs" else char

    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        agent = tmux.listener()
        texts = ["".join(character() for _ in range(chance.randrange(200))) for _ in range(40)]
        expected = await typed(panes, tmux, agent, texts)
        assert agent.wait_heard(len(expected)) == expected

    run(story)


@pytest.mark.parametrize(
    "text",
    ["x" * (256 * 1024), "\n".join(f"line {n} of 500 " + "x" * 50 for n in range(500))],
    ids=["256 KiB in one line", "500 lines"],
)
def test_long_texts_arrive_whole_as_one_paste(text: str) -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        agent = tmux.listener()
        expected = await typed(panes, tmux, agent, [text])
        assert agent.wait_heard(len(expected)) == expected

    run(story)


def test_two_agents_at_once_each_hear_only_their_own() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        agents = [tmux.listener() for _ in range(2)]
        refs = [await panes.bind(tmux.socket, a.pane, f"{n:016x}") for n, a in enumerate(agents)]

        async def type_all(who: int) -> None:
            for number in range(1, 51):
                text = b"agent %d text %02d" % (who, number)
                assert await panes.paste(refs[who], number, text, Paste.BRACKETED)
                assert await panes.enter(refs[who], number)

        await asyncio.gather(*(type_all(who) for who in range(2)))
        for who, agent in enumerate(agents):
            expected = b"".join(b"agent %d text %02d\r" % (who, n) for n in range(1, 51))
            assert agent.wait_heard(len(expected)) == expected

    run(story)


@pytest.mark.parametrize(
    "title",
    [
        "#(touch {canary})",
        "#{{E:pane_title}} #{{T:pane_title}}",
        "a|b|%1|0|1|",
        "'}}; kill-server; {{'",
        "✋  Action Required | ไทย",
        "",
    ],
)
def test_a_title_that_a_program_sets_is_read_literally_and_never_run(title: str) -> None:
    """What is read from tmux was written by whatever runs in its panes."""

    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        canary = tmux.folder / "canary"
        said = title.format(canary=canary)
        shown = "printf '\\033]2;%s\\007titled' \"$1\"; exec sleep infinity"
        pane = tmux.window("sh", "-c", shown, "sh", said)
        until(lambda: "titled" in tmux("capture-pane", "-p", "-t", pane), "the title is set")
        ref = await panes.bind(tmux.socket, pane, "a" * 16)
        look = await panes.look(ref)
        assert (look.exists, look.token, look.title) == (True, "a" * 16, said)
        assert (await panes.inspect(tmux.socket, pane)).token == "a" * 16
        assert await panes.paste(ref, 1, b"x", Paste.BRACKETED)
        assert not canary.exists()

    run(story)


def test_control_characters_do_not_get_into_a_title() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        shown = "printf '\\033]2;a\\001b\\nc\\td\\033\\\\titled'; exec sleep infinity"
        pane = tmux.window("sh", "-c", shown)
        until(lambda: "titled" in tmux("capture-pane", "-p", "-t", pane), "the title is set")
        look = await panes.look(await panes.bind(tmux.socket, pane, "a" * 16))
        assert look.exists
        assert look.title.isprintable()
        assert look.rows[0].startswith("titled")

    run(story)


@pytest.mark.parametrize(
    "name", ["#(touch {canary})", "=x", "{{last}}", "%1", "a:b.c", "fleet-test", "'}}; kill-server"]
)
def test_names_of_sessions_and_windows_are_for_people_only(name: str) -> None:
    """Some of them tmux changes itself; whatever they are, they find and run nothing."""

    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        canary: Path = tmux.folder / "canary"
        said = name.format(canary=canary).replace("#", "##")
        agent = tmux.listener()
        tmux("rename-window", "-t", agent.pane, said)
        tmux("rename-session", "-t", agent.pane, said)
        ref = await tmux.bound(panes, agent)
        assert (await panes.look(ref)).exists
        assert await panes.paste(ref, 1, b"x", Paste.BRACKETED)
        assert await panes.enter(ref, 1)
        assert agent.wait_heard(2) == b"x\r"
        assert await panes.place(ref) == tmux.of(agent.pane, "#{session_name}")
        started = await panes.spawn(tmux.spec("sleep", "infinity"))
        assert started.pane != ref.pane
        assert not canary.exists()

    run(story)
