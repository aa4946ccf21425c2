"""A bad cable: two network devices, and what is sent into one comes out of the other, or does not.

    wire.py HOST_DEVICE SWITCH_DEVICE SEED

Each line of JSON on standard input says what happens from then on: ``{"out": {"loss": 0.2, "delay_s":
0.05, "jitter_s": 0.2}, "in": {…}}``, ``out`` being what the host sends. What is delayed differently
overtakes. Not every kernel has netem; every kernel has this.
"""

import fcntl
import heapq
import json
import os
import random
import select
import struct
import sys
import time

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
FRAME_BYTES = 65_536
CLEAN = {"loss": 0.0, "delay_s": 0.0, "jitter_s": 0.0}


def say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


def device(name: str) -> int:
    """A tap: what the kernel sends on it is read here, what is written here it receives on it."""
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return tap


class Wire:
    def __init__(self, host: int, switch: int, seed: str) -> None:
        self.other = {host: switch, switch: host}
        self.rules = {host: dict(CLEAN), switch: dict(CLEAN)}
        self.names = {"out": host, "in": switch}
        self.chance = random.Random(seed)
        self.under_way: list[tuple[float, int, int, bytes]] = []  # due, number, from, frame
        self.number = 0

    def obey(self, line: str) -> None:
        for name, rule in json.loads(line).items():
            self.rules[self.names[name]] = {**CLEAN, **rule}

    def take(self, end: int) -> None:
        """Everything that was sent into this end."""
        while True:
            try:
                frame = os.read(end, FRAME_BYTES)
            except OSError:  # nothing more, or the device is down
                return
            rule = self.rules[end]
            if self.chance.random() < rule["loss"]:
                continue
            wait_s = rule["delay_s"] + self.chance.random() * rule["jitter_s"]
            self.number += 1
            heapq.heappush(self.under_way, (time.monotonic() + wait_s, self.number, end, frame))

    def deliver(self) -> float | None:
        """What is due; the wait until something is."""
        while self.under_way:
            left_s = self.under_way[0][0] - time.monotonic()
            if left_s > 0:
                return left_s
            _, _, end, frame = heapq.heappop(self.under_way)
            try:
                os.write(self.other[end], frame)
            except OSError:  # the other device is down: a cable that ends nowhere
                continue
        return None


def main() -> None:
    host, switch = device(sys.argv[1]), device(sys.argv[2])
    wire = Wire(host, switch, sys.argv[3])
    say("ready")
    while True:
        wait_s = wire.deliver()
        ready, _, _ = select.select([0, host, switch], [], [], wait_s)
        for end in ready:
            if end:
                wire.take(end)
            elif line := sys.stdin.readline():
                wire.obey(line)
                say("done")
            else:
                return


main()
