"""One member floods, another one's messages are timed: ``python -m tests.attacks.flood``.

A real node, two members that are programs of ours: one offers 10,000 messages a second and more than
the node takes, the other sends one every 20 ms and waits for the answer, which comes after the commit.
Not a test: what a busy host measures is no verdict.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, NamedTuple

from fleet.core.frames import Hello
from fleet.core.invitation import parse_token
from fleet.wire.frames import frame_to_wire
from node.adapters import pairing
from node.adapters.credentials import Identity, channel_to
from node.adapters.dialer import shown_certificate
from node.adapters.pki import new_node_key, pem_of, private_pem
from tests.attacks.hostile import LINK, hello, letter, wire_of
from tests.support.homes import Home, scene

BATCH = 128
EVERY_S = 0.02


class Card(NamedTuple):
    """A member of the fleet, as it is handed to a process."""

    address: str
    server: str
    server_pem: str
    key: str
    certificate: str


async def joined(token: str, name: str) -> Card:
    """A new member: it has joined, and nothing more."""
    key, invitation = new_node_key(), parse_token(token)
    given = await pairing.join(token, key, name)
    address = invitation.addresses[0]
    pem = pem_of(await shown_certificate(address)).decode()
    return Card(
        address, invitation.node_id, pem, private_pem(key).decode(),
        pem_of(given.certificate).decode(),
    )  # fmt: skip


@contextlib.asynccontextmanager
async def link(card: Card, said: Hello | None = None) -> AsyncGenerator[Any]:
    """A link of this member's, after both have said hello."""
    identity = Identity(card.key.encode(), card.certificate.encode())
    async with channel_to(card.address, identity, card.server_pem.encode(), card.server) as to:
        call: Any = to.stream_stream(LINK)()
        await call.write(frame_to_wire(said or hello()).SerializeToString())
        await call.read()
        yield call
        call.cancel()


async def flood(card: Card, rate: float, size: int) -> None:
    """Offer so many messages a second for ever; tell each second how many went out."""
    async with link(card) as call:

        async def listen() -> None:
            while await call.read():
                pass

        listening = asyncio.ensure_future(listen())
        begin_s, sent, told_s = time.monotonic(), 0, 0
        while not listening.done():
            frame = wire_of(*(letter("x" * size) for _ in range(BATCH))).SerializeToString()
            await call.write(frame)
            sent += BATCH
            ahead_s = sent / rate - (time.monotonic() - begin_s)
            if ahead_s > 0:
                await asyncio.sleep(ahead_s)
            if time.monotonic() - begin_s > told_s + 1:
                told_s += 1
                sys.stdout.write(f"{sent / (time.monotonic() - begin_s):.0f}\n")
                sys.stdout.flush()


async def timed(card: Card, count: int) -> list[float]:
    """How long each message took until it was answered for, in milliseconds."""
    took: list[float] = []
    async with link(card) as call:
        for _ in range(count):
            begin_s = time.monotonic()
            await call.write(wire_of(letter("ping")).SerializeToString())
            while (await call.read())[:1] != b"\x2a":  # taken is field 5
                pass
            took.append((time.monotonic() - begin_s) * 1_000)
            await asyncio.sleep(max(0.0, EVERY_S - took[-1] / 1_000))
    return took


def part(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def resident_mb(pid: int) -> tuple[float, float]:
    """Now, and the most there ever was."""
    said = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    now, most = (int(said[key].split()[0]) / 1_024 for key in ("VmRSS", "VmHWM"))
    return now, most


def run(white: Home, count: int, rounds: int, rate: float, size: int) -> None:
    pid = white.pid
    cards = [asyncio.run(joined(white.run("invite").out.strip(), n)) for n in ("nova", "kai")]
    nova, kai = cards
    print(f"resident before: {resident_mb(pid)[0]:.0f} MB")
    print(f"{'':10} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8} {'MB':>6} {'offered/s':>10}")
    calm: list[float] = []
    wild: list[float] = []
    for _ in range(rounds):
        quiet = asyncio.run(timed(nova, count))
        calm += quiet
        show("alone", quiet, pid, "")
        command = ["nice", "-n", "19", sys.executable, "-m", "tests.attacks.flood", "--as", json.dumps(kai),
                   "--rate", str(rate), "--size", str(size)]  # fmt: skip
        flooder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert flooder.stdout is not None
        offered = flooder.stdout.readline()
        loud = asyncio.run(timed(nova, count))
        wild += loud
        flooder.kill()
        offered = (flooder.stdout.read().split() or [offered])[-1]
        flooder.wait()
        show("flooded", loud, pid, offered.strip())
    print(
        f"p99 {part(calm, 0.99):.1f} -> {part(wild, 0.99):.1f} ms; most memory {resident_mb(pid)[1]:.0f} MB"
    )


def show(what: str, took: list[float], pid: int, offered: str) -> None:
    print(
        f"{what:10} {part(took, 0.5):8.1f} {part(took, 0.99):8.1f} {max(took):8.1f}"
        f" {resident_mb(pid)[0]:6.0f} {offered:>10}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--rate", type=float, default=10_000)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--as", dest="card", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.card:
        asyncio.run(flood(Card(*json.loads(given.card)), given.rate, given.size))
        return
    with scene() as stage:
        white = stage.home("white")
        white.up()
        run(white, given.count, given.rounds, given.rate, given.size)


if __name__ == "__main__":
    main()
