"""Prints what is announced on the network, as another program on it hears it: a line of JSON each time."""

import asyncio
import json
import sys
from typing import Any

from zeroconf import ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf


def heard(
    zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
) -> None:
    info = AsyncServiceInfo(service_type, name)
    told: dict[str, Any] = {"name": name, "change": state_change.name}
    if info.load_from_cache(zeroconf):
        told |= {"text": info.decoded_properties, "server": info.server, "port": info.port}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


async def main() -> None:
    zeroconf = AsyncZeroconf(interfaces=[sys.argv[1]])
    AsyncServiceBrowser(zeroconf.zeroconf, "_fleet._tcp.local.", handlers=[heard])
    await asyncio.Event().wait()


asyncio.run(main())
