"""A token pins a key and carries a secret; what is damaged is refused, what is proven is bound."""

import re
from itertools import combinations

import pytest

from fleet.core.errors.requests import MalformedRequest
from fleet.core.invitation import (
    Invitation,
    invitation_name,
    inviter_proof,
    joiner_proof,
    make_token,
    parse_token,
    transcript,
)
from tests.support.wording import says

NODE_ID = "k3jq" * 13
SECRET = bytes(range(16))
SECRET_SAID = "aaaqeayeaudaocajbifqydiob4"
ADDRESSES = ("10.0.0.7:7717", "[fd00::7]:7717", "white.example.net:1", "my-host_2:65535")
INVITATION = Invitation(NODE_ID, SECRET, ADDRESSES)
TOKEN = make_token(INVITATION)


def test_a_token_is_one_word_with_version_key_secret_and_addresses():
    assert make_token(INVITATION) == f"fleet1.{NODE_ID}.{SECRET_SAID}.{','.join(ADDRESSES)}"
    assert re.fullmatch(r"[a-z0-9._:,\[\]-]+", TOKEN)


@pytest.mark.parametrize(
    "pasted", [TOKEN, f"  {TOKEN}\n", TOKEN.upper(), f"{TOKEN[:70]}\r\n  {TOKEN[70:]}"]
)
def test_a_token_is_read_as_terminals_wrap_it(pasted: str):
    assert parse_token(pasted) == INVITATION


VERSION = "it does not begin with fleet1."
SHORT = "it is cut short"
ID = "its node id is not 52 characters of a-z 2-7"
DAMAGED = "its secret is damaged"
GOOD = f"fleet1.{NODE_ID}.{SECRET_SAID}."


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", VERSION),
        ("   ", VERSION),
        ("hello", VERSION),
        (TOKEN[1:], VERSION),
        (TOKEN.replace("fleet1", "fleet2"), VERSION),
        (f"fleet join {TOKEN}", VERSION),
        ("fleet1", SHORT),
        (f"fleet1.{NODE_ID}", SHORT),
        (f"fleet1.{NODE_ID}.{SECRET_SAID}", SHORT),
        (TOKEN.replace(NODE_ID, NODE_ID[1:]), ID),
        (TOKEN.replace(NODE_ID, NODE_ID + "a"), ID),
        (TOKEN.replace(NODE_ID, NODE_ID[:-1] + "1"), ID),
        (TOKEN.replace(NODE_ID, ""), ID),
        (TOKEN.replace(SECRET_SAID, ""), DAMAGED),
        (TOKEN.replace(SECRET_SAID, "aaaqeayeaudaocajbifqydiob"), DAMAGED),
        (TOKEN.replace(SECRET_SAID, "aaaqeayeaudaocajbifqydiob4a"), DAMAGED),
        (TOKEN.replace(SECRET_SAID, "aaaqeayeaudaocajbifqydio"), DAMAGED),
        (TOKEN.replace(SECRET_SAID, "aaaqeayeaudaocajbifqydiob5"), DAMAGED),
        (TOKEN.replace(SECRET_SAID, "aaaqeayeaudaocajbifqydio14"), DAMAGED),
        (TOKEN.replace(SECRET_SAID, "aaaqeayeaudaocajbifqydioé4"), DAMAGED),
        (GOOD, "'' in it is not host:port"),
        (GOOD + "white", "'white' in it is not host:port"),
        (GOOD + "white:", "'white:' in it is not host:port"),
        (GOOD + ":7717", "':7717' in it is not host:port"),
        (GOOD + "white:0", "'white:0' in it is not host:port"),
        (GOOD + "white:65536", "'white:65536' in it is not host:port"),
        (GOOD + "white:123456", "'white:123456' in it is not host:port"),
        (GOOD + "white:7717,", "'' in it is not host:port"),
        (GOOD + "white:7717,,nova:1", "'' in it is not host:port"),
        (GOOD + "white:7717;nova:1", "… in it is not host:port"),
        (GOOD + "fd00::7:7717", "… in it is not host:port"),
        (GOOD + "[white]:7717", "… in it is not host:port"),
        (GOOD + "white:²", "… in it is not host:port"),
        (GOOD + "x" * 500, f"'{'x' * 80}' in it is not host:port"),
    ],
)
def test_a_damaged_token_is_refused_with_what_is_wrong_with_it(text: str, why: str):
    with pytest.raises(MalformedRequest) as refused:
        parse_token(text)
    assert says(str(refused.value), f"this is not an invitation: {why}")
    assert refused.value.hint == "copy the whole line that fleet invite printed"


def test_a_node_that_nobody_could_reach_invites_nobody():
    with pytest.raises(MalformedRequest) as refused:
        make_token(Invitation(NODE_ID, SECRET, ()))
    assert str(refused.value) == "no other host could reach this node: it has no address"
    assert refused.value.hint.endswith("say where it listens: fleet up --listen HOST:PORT")


@pytest.mark.parametrize(
    "invitation",
    [
        Invitation(NODE_ID, SECRET[1:], ADDRESSES),
        Invitation(NODE_ID[1:], SECRET, ADDRESSES),
        Invitation(NODE_ID, SECRET, ("fe80::1%eth0:7717",)),
        Invitation(NODE_ID, SECRET, ("white",)),
    ],
)
def test_no_token_is_made_that_could_not_be_read(invitation: Invitation):
    with pytest.raises(MalformedRequest):
        make_token(invitation)


def test_the_secret_is_in_no_representation_and_not_in_the_name_on_the_wire():
    assert repr(INVITATION) == f"Invitation({NODE_ID[:12]}, {', '.join(ADDRESSES)})"
    name = invitation_name(SECRET)
    assert re.fullmatch(r"[0-9a-f]{16}", name)
    assert SECRET.hex() not in name
    assert name != invitation_name(SECRET[::-1])


def seen(**changes: str | bytes) -> bytes:
    parts: dict[str, str | bytes] = {
        "invitation": "0123456789abcdef",
        "name": "nova",
        "joiner_nonce": b"j" * 32,
        "inviter_nonce": b"i" * 32,
        "inviter_certificate": b"white's certificate",
        "joiner_certificate": b"nova's certificate",
    }
    return transcript(**{**parts, **changes})  # type: ignore[arg-type]


def test_whatever_differs_between_what_both_ends_saw_makes_another_transcript():
    transcripts = [
        seen(),
        seen(invitation="0123456789abcdee"),
        seen(name="mova"),
        seen(joiner_nonce=b"J" * 32),
        seen(inviter_nonce=b"I" * 32),
        seen(inviter_certificate=b"eve's certificate"),
        seen(joiner_certificate=b"eve's certificate"),
        seen(joiner_nonce=b"i" * 32, inviter_nonce=b"j" * 32),
        # The same bytes in other parts: each part goes in with its length.
        seen(joiner_nonce=b"j" * 33, inviter_nonce=b"i" * 31),
        seen(invitation="0123456789abcdefn", name="ova"),
    ]
    assert len(set(transcripts)) == len(transcripts)
    assert seen() == seen()


def test_a_proof_is_good_for_one_secret_one_transcript_and_one_side():
    given = {"root": b"r", "certificate": b"c", "discovery_key": b"d"}
    proofs = [
        joiner_proof(SECRET, seen()),
        joiner_proof(SECRET[::-1], seen()),
        joiner_proof(SECRET, seen(name="mova")),
        inviter_proof(SECRET, seen(), **given),
        inviter_proof(SECRET[::-1], seen(), **given),
        inviter_proof(SECRET, seen(name="mova"), **given),
        *(inviter_proof(SECRET, seen(), **{**given, part: b"x"}) for part in given),
        inviter_proof(SECRET, seen(), root=b"rc", certificate=b"", discovery_key=b"d"),
    ]
    assert all(one != other for one, other in combinations(proofs, 2))
    assert {len(proof) for proof in proofs} == {32}
    assert joiner_proof(SECRET, seen()) == joiner_proof(SECRET, seen())


def test_nodes_of_one_protocol_pair_whatever_their_builds():
    """These bytes are protocol 1: what changes them needs another number in ``Hello``."""
    given = {"root": b"r", "certificate": b"c", "discovery_key": b"d"}
    assert invitation_name(SECRET) == "256bec923d718f63"
    assert seen().hex()[:32] == "b7182c926163d516e761e94fd59dd2a2"
    assert joiner_proof(SECRET, seen()).hex()[:32] == "fad3420b8953a9842709f676db516529"
    assert inviter_proof(SECRET, seen(), **given).hex()[:32] == "23320f8901cc8c1632080f1202b70985"
