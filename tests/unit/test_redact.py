"""What leaves in a support bundle: words of our own, numbers and times; whoever is called so is not."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.core.redact import Redactor

OURS = """node up is not at nobody answers the link ended connected state_of filenotfounderror nova valueerror
    ms on"""
WORDS = frozenset(OURS.split())


def redactor(*names: str, secret: bytes = b"of this bundle") -> Redactor:
    return Redactor(secret, WORDS, names)


@pytest.mark.parametrize(
    "said",
    [
        "nobody answers at 127.0.0.1:7717 (12.5 ms)",
        "the link ended: 2026-11-23T10:00:00.000Z",
        "node up, 0.1.0",
        "[::1]:7717 is up",
        "/fleet.v1.Peering/Link",
        "up … 100%",
    ],
)
def test_what_says_nothing_about_anybody_stays(said: str):
    assert redactor("rin").text(said) == said


@pytest.mark.parametrize(
    ("said", "shape"),
    [
        ("nova is up", "<N> is up"),
        ("'Nova': up", "'<N>': up"),
        ("rin@nova is up", "<N>@<N> is up"),
        ("/home/jo/.fleet is not up", "<N> is not up"),
        ("10.8.0.4:7717", "<N>:7717"),
        ("2001:db8::5", "<N>:5"),
        ("192.168.1.20", "<N>"),
        ("white.example.net:7717, up", "<N>:7717, up"),
        ("01JD0000000000000000000000", "<N>"),
        ("rm -rf /tmp/x", "<N> <N> <N>"),
        ("1234567890123456", "<N>"),
        ("naïve 漢字", "<N> <N>"),
        ("((((((((((((", "<N>"),
    ],
)
def test_everything_else_gets_a_pseudonym(said: str, shape: str):
    assert re.sub(r"<[0-9a-f]{8}>", "<N>", redactor("nova").text(said)) == shape


def test_one_name_has_one_pseudonym_in_a_bundle_and_another_in_the_next():
    one, next_one = redactor("nova"), redactor("nova", secret=b"of the next")
    assert one.text("nova") == one.text("NOVA")
    assert one.text("rin@nova").endswith("@" + one.text("nova"))
    assert len({one.text("nova"), one.text("rin"), next_one.text("nova")}) == 3


def test_values_of_every_kind_are_rewritten_and_their_keys_too():
    told = {"state_of": ["rin", 3, None, True, 0.5], "rin": {"node": "up"}}
    shown = redactor().value(told)
    rin = redactor().text("rin")
    assert shown == {"state_of": [rin, 3, None, True, 0.5], rin: {"node": "up"}}


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=4), st.sampled_from("'\"([ \n"))
def test_no_word_that_is_not_ours_is_left_wherever_it_stands(secret: str, edge: str):
    shown = redactor().text(f"node up {edge}{secret}{edge} nova")
    for word in secret.split():
        core = word.strip("()[]{}<>\"'`‘’“”,.;:!?…*")
        if (
            len(core) >= 4
            and not re.fullmatch(r"[0-9a-fTZ:.+%s-]+", core)
            and core.lower() not in WORDS
        ):
            assert core not in re.sub(r"<[0-9a-f]{8}>", "", shown)


TRACE = """Traceback (most recent call last):
  File "/home/jo/src/fleet/node/engine/inbox.py", line 120, in accept
    check_text("the password is xyzzy")
  File "/usr/lib/python3.11/json/decoder.py", line 3, in decode
FileNotFoundError: the password is xyzzy

SecretOfMineError: xyzzy
During handling of the above exception, another exception occurred:
builtins.ValueError: xyzzy
"""


def test_of_a_traceback_is_told_where_it_was_and_what_kind_of_error():
    assert [*redactor().frames(TRACE)] == [
        "node/engine/inbox.py:120 in accept", "FileNotFoundError", "ValueError",
    ]  # fmt: skip
