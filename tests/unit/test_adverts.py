"""What is believed of an advert: an address on our own link, and nothing else."""

import ipaddress
from dataclasses import replace

import pytest

from node.adapters.adverts import (
    ADDRESSES_KEPT,
    NODES_KEPT,
    SERVICE,
    Advert,
    BadAdvert,
    Board,
    day_of,
    instance_of,
    is_instance,
    is_recognised,
    mark_of,
    read,
    text_of,
)
from node.adapters.interfaces import Place, is_on_link

LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
KEY = b"k" * 32
TODAY = 20_000


def node_id(number: int) -> str:
    """An id of the right form whose first letters are already its own."""
    digits = "".join(LETTERS[(number >> shift) & 31] for shift in range(0, 20, 5))
    return (digits * 13)[:52]


WHITE = node_id(1)


def place(own: str, interface: int = 2) -> Place:
    there = ipaddress.ip_interface(own)
    return Place(there.ip, there.network, interface)


AROUND = (place("10.77.0.1/24"), place("fd77::1/64"))


def packed(*addresses: str) -> list[bytes]:
    return [ipaddress.ip_address(address).packed for address in addresses]


def words(advert: Advert) -> dict[bytes, bytes | None]:
    return {key.encode(): value.encode() for key, value in text_of(advert).items()}


def advert(number: int = 1, *addresses: str) -> Advert:
    one = node_id(number)
    return Advert(one, mark_of(one, KEY, TODAY), addresses or ("10.77.0.2:7717",))


def test_what_one_node_says_another_one_reads():
    said = advert()
    heard = read(instance_of(WHITE), words(said), 7717, packed("10.77.0.2"), AROUND)
    assert heard == said


def test_an_advert_names_nothing_but_version_id_and_mark_in_less_than_200_bytes():
    text = text_of(advert())
    assert set(text) == {"v", "id", "h"}
    assert sum(len(key) + len(value) + 2 for key, value in text.items()) < 200
    assert instance_of(WHITE) == f"{WHITE[:12]}.{SERVICE}"


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",  # measured: zeroconf hands it on, and discovery could make us dial anything
        "10.77.1.2",
        "127.0.0.1",
        "169.254.169.254",
        "224.0.0.251",
        "10.77.0.255",
        "0.0.0.0",
        "::1",
        "fe80::1",
        "ff02::fb",
        "fd78::1",
        "::ffff:10.77.0.2",
    ],
)
def test_an_address_that_is_not_one_host_on_a_link_of_ours_is_left_out(address: str):
    assert not is_on_link(ipaddress.ip_address(address), AROUND)
    heard = read(instance_of(WHITE), words(advert()), 7717, packed(address, "10.77.0.2"), AROUND)
    assert heard.addresses == ("10.77.0.2:7717",)
    with pytest.raises(BadAdvert, match="no address"):
        read(instance_of(WHITE), words(advert()), 7717, packed(address), AROUND)


def test_link_local_and_loopback_stay_out_even_where_this_host_has_such_addresses():
    around = (place("127.0.0.1/8"), place("169.254.3.4/16"), place("fe80::2/64"))
    for address in ("127.0.0.2", "169.254.169.254", "fe80::1"):
        assert not is_on_link(ipaddress.ip_address(address), around)


def test_both_families_can_be_dialled_and_at_most_four_addresses_are_kept():
    heard = read(
        instance_of(WHITE),
        words(advert()),
        7717,
        packed("10.77.0.9", "fd77::9", "10.77.0.9", *(f"10.77.0.{n}" for n in range(20, 40))),
        AROUND,
    )
    assert heard.addresses[:2] == ("10.77.0.9:7717", "[fd77::9]:7717")
    assert len(heard.addresses) == len(set(heard.addresses)) == ADDRESSES_KEPT


@pytest.mark.parametrize("port", [None, 0, 22, 1023, 65_536, -1])
def test_no_advert_makes_a_node_knock_at_a_low_port(port: int | None):
    with pytest.raises(BadAdvert, match="port"):
        read(instance_of(WHITE), words(advert()), port, packed("10.77.0.2"), AROUND)


@pytest.mark.parametrize(
    "wrong",
    [
        {b"id": None},
        {b"id": b""},
        {b"id": WHITE[:51].encode()},
        {b"id": WHITE.upper().encode()},
        {b"id": (WHITE[:51] + "\n").encode()},
        {b"id": WHITE.encode() + b"\n"},
        {b"id": b"\x1b]0;owned\x07" + WHITE[10:].encode()},
        {b"id": b"\xff" * 52},
        {b"id": node_id(2).encode()},
        {b"v": b"2"},
        {b"v": None},
        {b"h": b"short"},
        {b"h": None},
        {b"h": b"\x1b[31m" + b"a" * 12},
    ],
)
def test_text_that_a_node_of_ours_would_not_say_is_dropped(wrong: dict[bytes, bytes | None]):
    with pytest.raises(BadAdvert):
        read(instance_of(WHITE), words(advert()) | wrong, 7717, packed("10.77.0.2"), AROUND)


@pytest.mark.parametrize(
    "name",
    [
        f"\x1b[2J{WHITE[:8]}.{SERVICE}",
        f"{WHITE[:12]}\n.{SERVICE}",
        f"{WHITE[:12]}.{SERVICE}\n",
        f"{WHITE[:12]}-2.{SERVICE}",
        f"{WHITE[:12].upper()}.{SERVICE}",
        f"{WHITE[:12]}._other._tcp.local.",
        f"a.{WHITE[:12]}.{SERVICE}",
        "",
    ],
)
def test_a_service_that_is_not_named_after_a_key_is_none_of_ours(name: str):
    assert is_instance(instance_of(WHITE))
    assert not is_instance(name)
    with pytest.raises(BadAdvert):
        read(name, words(advert()), 7717, packed("10.77.0.2"), AROUND)


def test_members_recognise_each_other_yesterday_today_and_tomorrow_and_no_other_day():
    said = advert()
    known = [day for day in range(TODAY - 5, TODAY + 6) if is_recognised(said, KEY, day)]
    assert known == [TODAY - 1, TODAY, TODAY + 1]


def test_without_the_fleets_key_an_advert_is_a_strangers():
    said = advert()
    assert not is_recognised(said, b"x" * 32, TODAY)
    assert not is_recognised(replace(said, node_id=node_id(2)), KEY, TODAY)


def test_a_mark_links_nothing_from_one_day_to_the_next():
    marks = {mark_of(node_id(n), KEY, day) for n in range(4) for day in range(4)}
    assert len(marks) == 16
    assert {len(mark) for mark in marks} == {16}


def test_the_day_turns_everywhere_at_once():
    assert [day_of(86_400 * TODAY + s) - TODAY for s in (-0.1, 0.0, 86_399.9)] == [-1, 0, 0]


def test_a_board_says_when_an_address_is_new_and_keeps_a_nodes_last_word():
    board = Board()
    assert board.put(advert(1, "10.77.0.2:1", "10.77.0.3:1"), is_member=True)
    assert not board.put(advert(1, "10.77.0.2:1"), is_member=True)
    assert board.put(advert(1, "10.77.0.3:1"), is_member=True)
    (found,) = board.found()
    assert (found.addresses, found.is_member) == (("10.77.0.3:1",), True)


def test_strangers_fill_a_board_but_members_always_have_a_place():
    board = Board()
    board.put(advert(0), is_member=True)
    for number in range(1, NODES_KEPT):
        board.put(advert(number), is_member=False)
    with pytest.raises(BadAdvert, match="too many"):
        board.put(advert(5_000), is_member=False)
    assert not board.put(advert(NODES_KEPT - 1), is_member=False), "what hangs there is renewed"
    assert board.put(advert(5_001), is_member=True)
    found = board.found()
    assert len(found) == NODES_KEPT
    assert {f.node_id for f in found if f.is_member} == {node_id(0), node_id(5_001)}


def test_a_board_full_of_members_takes_no_more():
    board = Board()
    for number in range(NODES_KEPT):
        board.put(advert(number), is_member=True)
    with pytest.raises(BadAdvert, match="too many"):
        board.put(advert(NODES_KEPT), is_member=True)


def test_a_goodbye_takes_down_that_node_only():
    board = Board()
    board.put(advert(1), is_member=True)
    board.put(advert(2), is_member=True)
    board.take_down(instance_of(node_id(1)))
    board.take_down("nobody")
    assert [found.node_id for found in board.found()] == [node_id(2)]


def test_who_is_recognised_is_looked_at_anew_when_the_key_changes():
    board = Board()
    board.put(advert(1), is_member=False)
    board.recognise(lambda one: is_recognised(one, KEY, TODAY))
    assert [found.is_member for found in board.found()] == [True]
    board.recognise(lambda one: is_recognised(one, b"another", TODAY))
    assert [found.is_member for found in board.found()] == [False]
