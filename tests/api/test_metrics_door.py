"""The metrics door over real loopback: what it answers, whom it sends away, and where it will not be."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable

import pytest

from fleet.core.errors.nodes import PortInUse
from fleet.core.errors.requests import BadConfig
from node.adapters.process import usage
from node.doors.metrics import MetricsDoor

PAGE = "fleet_peers 3\n"
Story = Callable[[MetricsDoor, str], Awaitable[None]]


def served(story: Story, address: str = "127.0.0.1:0") -> None:
    async def run() -> None:
        door = MetricsDoor(lambda: PAGE)
        bound = await door.open(address)
        try:
            await story(door, bound)
        finally:
            await door.close()

    asyncio.run(run())


async def answer(bound: str, request: str) -> str:
    host, _, port = bound.rpartition(":")
    reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    writer.write(request.encode())
    said = (await reader.read()).decode()
    writer.close()
    return said


def asked(path: str, host: str = "127.0.0.1", method: str = "GET") -> str:
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"


@pytest.mark.parametrize("address", ["127.0.0.1:0", "localhost:0", "[::1]:0"])
def test_whoever_asks_on_loopback_gets_the_page(address: str) -> None:
    async def story(_door: MetricsDoor, bound: str) -> None:
        for path in ("/metrics", "/metrics?x=1"):
            head, _, body = (await answer(bound, asked(path, bound))).partition("\r\n\r\n")
            assert head.startswith("HTTP/1.1 200 OK\r\n")
            assert "Content-Type: text/plain; version=0.0.4" in head
            assert f"Content-Length: {len(PAGE)}" in head
            assert body == PAGE
        assert (await answer(bound, asked("/metrics", method="HEAD"))).endswith("\r\n\r\n")

    served(story, address)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (asked("/"), "404 Not Found"),
        (asked("/metrics", method="POST"), "405 Method Not Allowed"),
        (asked("/metrics", "rebound.example:9717"), "421 Misdirected Request"),
        (asked("/metrics", "127.0.0.1.example"), "421 Misdirected Request"),
        ("GET /metrics HTTP/1.0\r\n\r\n", "421 Misdirected Request"),
        ("GET /metrics HTTP/1.1\r\nHost: ::1\r\nHost: x\r\n\r\n", "421 Misdirected Request"),
        ("\r\n\r\n", "421 Misdirected Request"),
    ],
)
def test_anything_else_is_refused_and_told_nothing(request_: str, status: str) -> None:
    async def story(_door: MetricsDoor, bound: str) -> None:
        said = await answer(bound, request_)
        assert said.startswith(f"HTTP/1.1 {status}\r\n")
        assert PAGE not in said

    served(story)


def test_a_head_without_end_is_cut_off_and_others_are_served() -> None:
    async def story(_door: MetricsDoor, bound: str) -> None:
        assert await answer(bound, "GET /metrics HTTP/1.1\r\nX: " + "x" * 100_000) == ""
        assert PAGE in await answer(bound, asked("/metrics"))

    served(story)


def test_a_crowd_that_says_nothing_is_kept_small() -> None:
    async def story(_door: MetricsDoor, bound: str) -> None:
        host, _, port = bound.rpartition(":")
        crowd = [await asyncio.open_connection(host, int(port)) for _ in range(20)]
        sent_away = [await reader.read() for reader, _ in crowd[16:]]
        assert sent_away == [b""] * 4
        assert not any(reader.at_eof() for reader, _ in crowd[:16]), (
            "who came first may still speak"
        )
        for _, writer in crowd:
            writer.close()

    served(story)


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.org:0"])
def test_what_others_could_reach_is_no_place_for_it(address: str) -> None:
    async def run() -> None:
        with pytest.raises(BadConfig, match="loopback only"):
            await MetricsDoor(lambda: PAGE).open(address)

    asyncio.run(run())


def test_a_port_that_is_taken_is_said_to_be() -> None:
    async def story(_door: MetricsDoor, bound: str) -> None:
        with pytest.raises(PortInUse):
            await MetricsDoor(lambda: PAGE).open(bound)

    served(story)


def test_what_the_process_costs_is_read_from_the_kernel() -> None:
    gc.collect()  # files that others left open would be closed between the two looks
    before = usage()
    assert before.memory_bytes > 10 * 1024**2
    assert before.open_files >= 3
    assert before.started_s > 1_600_000_000
    with open("/dev/null"):  # noqa: PTH123
        assert usage().open_files == before.open_files + 1
    while usage().cpu_s == before.cpu_s:
        sum(range(10_000))
    assert usage().cpu_s > before.cpu_s
