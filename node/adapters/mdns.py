"""mDNS: says where this node is and listens to where others say they are.

A hint and never an authority: what is found here is an address to try, and the dialer pins the key.
Nothing that goes wrong here, and nothing that anybody sends, stops the node: trouble is told, and
everything is tried again. What counts as an advert is decided in ``adverts``.

Our names are hashes of our key, which nobody else can hold by accident. So we do not probe for them
(RFC 6762, 8.1 says that one should not), and whoever answers probes with "taken" does not matter.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from zeroconf import (  # type: ignore[attr-defined]  # offers DNS..., but not in its __all__
    DNSOutgoing,  # pyright: ignore[reportPrivateImportUsage] - as above
    DNSQuestion,  # pyright: ignore[reportPrivateImportUsage] - as above
    Error,
    IPVersion,
    ServiceInfo,
    ServiceStateChange,
    Zeroconf,
)
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from fleet.config import split_address
from node.adapters import adverts
from node.adapters.adverts import Advert, BadAdvert, Board
from node.adapters.interfaces import Place, is_on_link, places
from node.ports.host import Clock
from node.ports.links import Found

LOOK_S = 2.0
"""How often this host's own addresses, the day and the fleet's key are compared with the advert."""
LISTED_S = 600
"""How long others list a node that went away without a goodbye."""
ASK_MS = 3_000
ASKED_AT_ONCE = 16
"""Services whose records are asked for at one time; the next will be heard of again."""
SEEK_FIRST_S, SEEK_LAST_S = 2.0, 32.0
"""The network is asked for a member that is away, at first often and then seldom."""
GOODBYE_S = 3.0

_QUERY = 0
_CLASS_IN = 1
_A, _TXT, _AAAA, _SRV = 1, 16, 28, 33

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Said:
    """What is announced, and where: when it is no longer true, it is said anew."""

    places: tuple[Place, ...]
    advert: Advert


class MdnsDiscovery:
    """The ``Discovery`` of a node."""

    def __init__(
        self,
        node_id: str,
        reachable: Callable[[], tuple[str, ...]],
        key: Callable[[], bytes],
        clock: Clock,
        seen: Callable[[str], None],
    ) -> None:
        """``reachable`` and ``key`` are asked again and again; ``seen`` is told a node's id when it
        is advertised at an address that it was not at before."""
        self._node_id = node_id
        self._reachable = reachable
        self._key = key
        self._clock = clock
        self._seen = seen
        self._board = Board()
        self._found: tuple[Found, ...] | None = None
        self._zeroconf: AsyncZeroconf | None = None
        self._browser: AsyncServiceBrowser | None = None
        self._around: tuple[Place, ...] = ()
        self._said: Said | None = None
        self._info: ServiceInfo | None = None
        self._group: asyncio.TaskGroup | None = None
        self._asking: set[str] = set()
        self._sought: dict[str, tuple[float, float]] = {}
        self._trouble: str | None = None  # nothing tried yet
        self.dropped = 0

    # --- the port ---

    @property
    def trouble(self) -> str:
        """Why nobody is found, or nothing."""
        return self._trouble or ""

    def found(self) -> tuple[Found, ...]:
        """What is advertised on our links now, without ourselves."""
        if self._found is None:
            self._found = self._board.found()
        return self._found

    def seek(self, node_id: str) -> None:
        """Ask the network for a member that is away. May be called at any time; asks seldom."""
        if self._zeroconf is None or not self._zeroconf.zeroconf.started:
            return
        next_s, wait_s = self._sought.get(node_id, (0.0, SEEK_FIRST_S))
        now_s = self._clock.now_s()
        if now_s < next_s:
            return
        self._sought[node_id] = (now_s + wait_s, min(2 * wait_s, SEEK_LAST_S))
        # A false goodbye took it down but left the records; then asking would bring nothing new.
        self._heard(self._zeroconf.zeroconf, adverts.instance_of(node_id), ask=False)
        question = DNSOutgoing(_QUERY)
        for name, kind in (
            (adverts.instance_of(node_id), _SRV),
            (adverts.instance_of(node_id), _TXT),
            (adverts.server_of(node_id), _A),
            (adverts.server_of(node_id), _AAAA),
        ):
            question.add_question(DNSQuestion(name, kind, _CLASS_IN))
        self._zeroconf.zeroconf.async_send(question)

    async def run(self) -> None:
        """Advertise and listen on whatever network there is, until cancelled; then say goodbye."""
        try:
            async with asyncio.TaskGroup() as self._group:
                while True:
                    self._tell(await self._follow())
                    await self._clock.sleep(LOOK_S)
        finally:
            await self._close()

    async def _close(self) -> None:
        zeroconf, self._zeroconf, self._browser = self._zeroconf, None, None
        self._said = self._info = self._found = None
        self._board.clear()
        self._sought.clear()
        if zeroconf is None:
            return
        try:
            async with asyncio.timeout(GOODBYE_S):
                await zeroconf.async_close()
        except (OSError, TimeoutError, Error) as error:
            log.debug("goodbye failed", error=str(error))

    # --- saying ---

    async def _follow(self) -> str:
        """Bring what is announced in step with what is true; what is in the way of it."""
        around = places()
        day = adverts.day_of(self._clock.wall_s())
        mark = adverts.mark_of(self._node_id, self._key(), day)
        own = Advert(self._node_id, mark, _on_link(self._reachable(), around))
        wanted = Said(around, own)
        try:
            if self._said is None or self._said.places != around:
                await self._close()
                if not around:
                    return "no network: this host has no address on a link with others"
                await self._open(around)
            if self._said is None or self._said.advert.mark != mark:
                self._recognise()
            if self._said != wanted:
                await self._say(own)
                self._said = wanted
        except (OSError, RuntimeError, TimeoutError, Error) as error:
            await self._close()
            return _reason(error)
        except Exception as error:  # the edge of a task: mDNS never stops the node
            log.exception("mdns failed")
            await self._close()
            return repr(error)
        return "" if own.addresses else "this node listens where no other host can reach it"

    async def _open(self, around: tuple[Place, ...]) -> None:
        self._around = around
        v4 = [str(place.address) for place in around if place.address.version == 4]  # noqa: PLR2004
        v6 = sorted({p.interface for p in around if p.address.version == 6})  # noqa: PLR2004
        self._zeroconf = AsyncZeroconf(interfaces=[*v4, *v6])
        zeroconf = self._zeroconf.zeroconf
        await zeroconf.async_wait_for_start()
        if not zeroconf.engine.senders:
            raise OSError("no interface takes part in multicast")
        self._browser = AsyncServiceBrowser(zeroconf, adverts.SERVICE, handlers=[self._changed])

    async def _say(self, own: Advert) -> None:
        """Announce ourselves, or say what is different now."""
        if self._zeroconf is None or not own.addresses:
            return
        hosts = [split_address(address) for address in own.addresses]
        info = ServiceInfo(
            adverts.SERVICE,
            adverts.instance_of(self._node_id),
            port=hosts[0][1],
            properties=adverts.text_of(own),
            server=adverts.server_of(self._node_id),
            other_ttl=LISTED_S,
            parsed_addresses=[host for host, _ in hosts],
        )
        # A bare Awaitable is what zeroconf says it returns: the announcements, on their way.
        if self._info is None:
            said = await self._zeroconf.async_register_service(  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
                info, cooperating_responders=True
            )
        else:
            said = await self._zeroconf.async_update_service(info)  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        self._info = info
        await said

    def _tell(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            if trouble:
                log.warning("mdns in trouble", detail=trouble)
            else:
                log.info("mdns on", addresses=self._said.advert.addresses if self._said else ())

    # --- listening ---

    def _changed(
        self,
        zeroconf: Zeroconf,
        service_type: str,  # noqa: ARG002 - zeroconf passes all four by name
        name: str,
        state_change: ServiceStateChange,
    ) -> None:
        """Hear of a service from zeroconf. The name is as it came: ESC, newlines and all."""
        try:
            if not adverts.is_instance(name):
                self._drop("the service's name is none of ours")
            elif state_change is ServiceStateChange.Removed:
                self._board.take_down(name)
                self._found = None
            else:
                self._heard(zeroconf, name, ask=True)
        except Exception as error:  # noqa: BLE001 - anybody's bytes; not worth a line for each
            self._drop(repr(error))

    def _heard(self, zeroconf: Zeroconf, name: str, *, ask: bool) -> None:
        info = AsyncServiceInfo(adverts.SERVICE, name)
        if info.load_from_cache(zeroconf):
            self._take(info)
        elif ask and self._group is not None and name not in self._asking:
            if len(self._asking) >= ASKED_AT_ONCE:
                self._drop("too many at once")
                return
            self._asking.add(name)
            self._group.create_task(self._ask(zeroconf, info))

    async def _ask(self, zeroconf: Zeroconf, info: AsyncServiceInfo) -> None:
        try:
            if await info.async_request(zeroconf, ASK_MS):
                self._take(info)
        except Exception as error:  # noqa: BLE001 - as above
            self._drop(repr(error))
        finally:
            self._asking.discard(info.name)

    def _take(self, info: ServiceInfo) -> None:
        if self._zeroconf is None or info.name == adverts.instance_of(self._node_id):
            return
        try:
            packed = info.addresses_by_version(IPVersion.All)
            advert = adverts.read(info.name, info.properties, info.port, packed, self._around)
            is_new = self._board.put(advert, is_member=self._is_recognised(advert))
        except BadAdvert as error:
            self._drop(str(error))
            return
        self._found = None
        if is_new:
            self._sought.pop(advert.node_id, None)
            self._seen(advert.node_id)

    def _is_recognised(self, advert: Advert) -> bool:
        return adverts.is_recognised(advert, self._key(), adverts.day_of(self._clock.wall_s()))

    def _recognise(self) -> None:
        self._board.recognise(self._is_recognised)
        self._found = None

    def _drop(self, why: str) -> None:
        """Count it; what it said is not repeated anywhere."""
        self.dropped += 1
        log.debug("advert dropped", why=why, dropped=self.dropped)


def _on_link(addresses: tuple[str, ...], around: tuple[Place, ...]) -> tuple[str, ...]:
    """Those of our own addresses that a neighbour could dial."""
    return tuple(a for a in addresses if _is_on_link(split_address(a)[0], around))


def _is_on_link(host: str, around: tuple[Place, ...]) -> bool:
    try:
        return is_on_link(ipaddress.ip_address(host), around)
    except ValueError:
        return False  # listens at a host's name; what that stands for is not ours to announce


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return "port 5353 is taken by a program that does not share it"
    return str(error) or type(error).__name__
