"""What an invited node is asked: all of what a role lets in, and nothing that no team file could say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleet.core.errors.requests import MalformedRequest
from fleet.core.team import agreed_digest
from fleet.core.team_invitation import LONGEST_S, Asked, AskedRole, asked_role, check_asked
from fleet.core.trust import Verb
from fleet.teamlog import asked_from_json, asked_to_json
from tests.support.teams import IMPL, LEAD, SHOP, role

ASKED = Asked("3f9c", "web", "operator@white", 60.0, (asked_role(IMPL), asked_role(LEAD)))


def test_what_is_shown_is_what_is_agreed_to() -> None:
    assert [one.digest for one in ASKED.roles] == [agreed_digest(IMPL), agreed_digest(LEAD)]


def test_orders_and_skills_do_not_travel_and_the_rest_comes_as_it_was() -> None:
    assert asked_from_json(asked_to_json(ASKED)) == ASKED
    assert b"One task at a time" not in asked_to_json(ASKED)


def test_the_grants_of_all_roles_are_asked_for_together() -> None:
    few, more = role(grants=(Verb.MESSAGE,)), role(name="more", grants=(Verb.CONTROL,))
    asked = replace(ASKED, roles=(asked_role(few), asked_role(more)))
    assert asked.verbs == (Verb.CONTROL, Verb.MESSAGE)


def test_each_repository_that_is_worked_on_is_named_once() -> None:
    assert ASKED.repositories == (SHOP,)
    assert replace(ASKED, roles=(asked_role(replace(IMPL, repository="")),)).repositories == ()


def bad(**said: object) -> AskedRole:
    return replace(ASKED.roles[0], **said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "asked",
    [
        replace(ASKED, roles=()),
        replace(ASKED, invitation="../../etc"),
        replace(ASKED, invitation=""),
        replace(ASKED, expires_in_s=0.0),
        replace(ASKED, expires_in_s=LONGEST_S + 1),
        replace(ASKED, expires_in_s=float("nan")),
        replace(ASKED, team="*"),
        replace(ASKED, team="a.b"),
        replace(ASKED, roles=(bad(role="no name"),)),
        replace(ASKED, roles=(bad(count=0),)),
        replace(ASKED, roles=(bad(repository="--upload-pack=x"),)),
        replace(ASKED, roles=(bad(include=("../../.ssh/id",)),)),
    ],
)
def test_what_no_team_file_could_say_is_refused(asked: Asked) -> None:
    with pytest.raises(MalformedRequest):
        check_asked(asked)


@pytest.mark.parametrize("data", [b"", b"[]", b'{"invitation": 3}', b"\xff", b'{"roles": [{}]}'])
def test_what_is_no_invitation_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedRequest):
        asked_from_json(data)
