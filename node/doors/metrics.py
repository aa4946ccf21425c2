"""Metrics over HTTP on loopback: for whoever runs a Prometheus beside the node, and asked for it.

Every user of the host can connect there, so nothing is served that names anybody, unless the person
of the node asked for names. A page in a browser cannot: whoever does not call us by a loopback name was
led here by somebody else's DNS.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable

import structlog

from fleet.config import is_loopback, loopback_address
from fleet.core.errors.nodes import PortInUse, StartFailed
from fleet.core.metrics import CONTENT_TYPE

PATH = "/metrics"
_PLAIN = "text/plain; charset=utf-8"
_REQUEST_BYTES = 8 * 1024
_PATIENCE_S = 5.0
_CALLERS = 16

log = structlog.get_logger()


class MetricsDoor:
    """One page, read-only; one request a connection."""

    def __init__(self, page: Callable[[], str]) -> None:
        self._page = page
        self._server: asyncio.Server | None = None
        self._calls: set[asyncio.Task[None]] = set()

    async def open(self, address: str) -> str:
        """Listen on loopback; where, with the port that was free when 0 was asked for.

        Raises:
            BadConfig: the address can be reached from elsewhere.
            PortInUse: somebody else listens there.
            StartFailed: it cannot be had.
        """
        host, port = loopback_address(address)
        host = "127.0.0.1" if host.lower() == "localhost" else host  # not both families
        try:
            self._server = await asyncio.start_server(
                self._connected, host, port, limit=_REQUEST_BYTES, backlog=_CALLERS
            )
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortInUse(address) from None
            raise StartFailed(f"cannot serve metrics on {address}: {error.strerror}") from None
        bound: tuple[str, int] = self._server.sockets[0].getsockname()[:2]
        return f"[{bound[0]}]:{bound[1]}" if ":" in bound[0] else f"{bound[0]}:{bound[1]}"

    async def close(self) -> None:
        """Take no more callers; those who are here are sent away."""
        if self._server is not None:
            self._server.close()
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._calls) >= _CALLERS:
            writer.close()
            return
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._answer(reader, writer)
        except (OSError, EOFError, asyncio.CancelledError, asyncio.LimitOverrunError):
            log.debug("caller gone")
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path = (*head[0].split(" "), "", "")[:2]
        status, kind, text = self._said(method, path, _host_of(head[1:]))
        body = text.encode()
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
            "Cache-Control: no-store\r\nConnection: close\r\n\r\n".encode()
        )
        writer.write(b"" if method == "HEAD" else body)
        await writer.drain()

    def _said(self, method: str, path: str, host: str) -> tuple[str, str, str]:
        """Status, kind and text of an answer."""
        if not is_loopback(host):
            return "421 Misdirected Request", _PLAIN, "ask for it by a loopback address\n"
        if method not in {"GET", "HEAD"}:
            return "405 Method Not Allowed", _PLAIN, "it can only be read\n"
        if path.partition("?")[0] != PATH:
            return "404 Not Found", _PLAIN, f"there is {PATH}\n"
        return "200 OK", CONTENT_TYPE, self._page()


def _host_of(headers: list[str]) -> str:
    """The host that the caller means, without its port; empty if it says none."""
    said = [h.partition(":")[2].strip() for h in headers if h.lower().startswith("host:")]
    if len(said) != 1:
        return ""
    host, colon, port = said[0].rpartition(":")
    return (host if colon and port.isdecimal() else said[0]).strip("[]")
