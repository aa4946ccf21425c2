"""What ``fleet trust`` tells on nodes of one fleet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from node.doors.trust import overview
from tests.support.members import Member, let_in, run
from tests.support.until import eventually


def told(member: Member) -> Any:
    return overview(member.node)


def test_every_member_tells_the_same_of_who_belongs_and_who_is_out(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member, mba: Member) -> None:
        await let_in(white, nova, mba)
        await white.node.membership.revoke("nova", "laptop lost")
        await eventually(lambda: told(mba)["revoked"], "mba knows")
        for member in (white, mba):
            rows = told(member)["members"]
            assert {row["node"]: row["id"] for row in rows} == {"white": white.id, "mba": mba.id}
            assert {row["admitted_by"] for row in rows} == {"root"}
            (out,) = told(member)["revoked"]
            assert (out["node"], out["id"], out["reason"]) == ("nova", nova.id, "laptop lost")
        states = {row["node"]: row["state"] for row in told(mba)["members"]}
        assert states == {"white": "connected", "mba": "self"}

    run(tmp_path, story, "white", "nova", "mba")


def test_who_may_let_in_is_who_has_the_root_key(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        key = white.keyring.fleet_id
        assert told(white)["root"] == {"key": key, "here": True, "passphrase": False}
        assert told(nova)["root"] == {"key": key, "here": False, "passphrase": False}
        may = {row["node"]: row["may"] for row in told(white)["members"]}
        assert may == {"white": ["message", "invite", "revoke"], "nova": ["message"]}

    run(tmp_path, story, "white", "nova")
