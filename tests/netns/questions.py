"""Prints what is asked on the network, by whom: for each mDNS query a line with sender and raw names."""

import socket
import sys

GROUP, PORT = "224.0.0.251", 5353
RESPONSE = 0x80

ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
ear.bind(("", PORT))
member = socket.inet_aton(GROUP) + socket.inet_aton(sys.argv[1])
ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
while True:
    packet, (sender, _) = ear.recvfrom(9000)
    if not packet[2] & RESPONSE:
        sys.stdout.write(f"{sender} {packet.decode('latin-1')!a}\n")
        sys.stdout.flush()
