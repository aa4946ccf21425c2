import string

from hypothesis import given
from hypothesis import strategies as st

from fleet.core.errors.requests import MalformedRequest
from fleet.core.invitation import SECRET_BYTES, Invitation, make_token, parse_token
from tests.support.strategies import any_texts, node_ids

hosts = st.text(string.ascii_lowercase + string.digits + "._-", min_size=1, max_size=20) | st.text(
    "0123456789abcdef:", min_size=1, max_size=20
).map(lambda v6: f"[{v6}]")
addresses = st.builds("{}:{}".format, hosts, st.integers(1, 65_535))
invitations = st.builds(
    Invitation,
    node_ids,
    st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES),
    st.lists(addresses, min_size=1, max_size=4).map(tuple),
)


@given(invitations)
def test_a_token_says_what_the_invitation_does(invitation: Invitation):
    assert parse_token(make_token(invitation)) == invitation


@given(invitations, st.lists(st.tuples(st.integers(0), st.sampled_from(" \n\t")), max_size=5))
def test_white_space_anywhere_and_upper_case_do_no_harm(
    invitation: Invitation, gaps: list[tuple[int, str]]
):
    token = make_token(invitation)
    for place, gap in gaps:
        at = place % len(token)
        token = token[:at] + gap + token[at:]
    assert parse_token(token.upper()) == invitation


def read(text: str) -> Invitation | None:
    try:
        return parse_token(text)
    except MalformedRequest:
        return None


@given(any_texts | any_texts.map("fleet1.{}".format))
def test_any_text_is_an_invitation_or_refused_as_none(text: str):
    found = read(text)
    assert found is None or parse_token(make_token(found)) == found


@given(invitations, st.integers(0), st.characters(codec=None, categories=None))
def test_a_letter_changed_is_refused_or_says_something_else_but_never_the_same_secret_and_key(
    invitation: Invitation, place: int, letter: str
):
    token = make_token(invitation)
    at = place % len(token)
    changed = token[:at] + letter + token[at + 1 :]
    found = read(changed)
    same = "".join(changed.split()).lower() == token
    assert found is None or (found == invitation) == same


@given(invitations, st.integers(0))
def test_a_token_cut_short_is_refused_or_only_lacks_the_end_of_its_addresses(
    invitation: Invitation, place: int
):
    token = make_token(invitation)
    found = read(token[: place % len(token)])
    if found is not None:
        assert (found.node_id, found.secret) == (invitation.node_id, invitation.secret)
        assert ",".join(invitation.addresses).startswith(",".join(found.addresses))
