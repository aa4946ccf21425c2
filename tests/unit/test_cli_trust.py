"""``fleet trust`` shows keys whole, and says in words what each may do."""

from tests.support.door import TRUST, done, scripted

NOVA = {
    "node": "nova", "id": "n" * 52, "state": "away", "admitted_by": "root", "may": ["message"],
}  # fmt: skip
VEGA = {
    "node": "vega", "id": "v" * 52, "reason": "laptop lost", "revoked_by": "root", "may": [],
}  # fmt: skip


def test_members_and_who_was_put_out_are_shown_with_their_whole_keys() -> None:
    with scripted({"trust": [done({**TRUST, "members": [NOVA], "revoked": [VEGA]})]}) as (home, _):
        shown = home.run("trust").out
    lines = shown.splitlines()
    assert f"nova  away   root       {'n' * 52}" in lines
    assert f"vega  laptop lost  root  {'v' * 52}" in lines
    assert "- Who was put out may do nothing, and its key never comes back." in lines


def test_a_fleet_of_one_has_nobody_to_put_out_and_does_not_speak_of_it() -> None:
    with scripted({"trust": [done(TRUST)]}) as (home, _):
        shown = home.run("trust").out
    assert "put out, for good" not in shown
    assert "Who was put out" not in shown


def test_what_this_node_may_do_is_said_of_this_node() -> None:
    plain = {**TRUST, "admin": False, "root": {"key": "b" * 52, "here": False, "passphrase": False}}
    with scripted({"trust": [done(TRUST)]}) as (home, _):
        assert "- white may invite and revoke nodes." in home.run("trust").out
    with scripted({"trust": [done(plain)]}) as (home, _):
        assert "- white may invite nobody and put nobody out." in home.run("trust").out


def test_an_admin_is_shown_with_its_key_and_whom_it_let_in() -> None:
    nova = {"node": "nova", "id": "n" * 52, "key": "k" * 52, "let_in": ["kai", "rin"]}
    with scripted({"trust": [done({**TRUST, "admins": [nova]})]}) as (home, _):
        shown = home.run("trust").out
    assert f"nova  kai, rin  {'k' * 52}" in shown.splitlines()
    assert "fleet trust admin NODE --withdraw" in shown


def test_keys_that_claim_to_be_the_same_nodes_are_shown_with_what_puts_the_wrong_one_out() -> None:
    one = {"node": "nova~aaaa", "id": "a" * 52, "here": True, "admitted_by": ["root"]}
    other = {"node": "nova~bbbb", "id": "b" * 52, "here": False, "admitted_by": []}
    torn = [{"node": "nova", "id": "o" * 52, "claims": [one, other]}]
    with scripted({"trust": [done({**TRUST, "contested": torn})] * 2}) as (home, _):
        shown = home.run("trust").out
        assert home.run("trust", "--json").json["contested"] == torn
    lines = [line.split() for line in shown.splitlines()]
    follows = ["follows", "oooooooo"]
    assert ["nova~aaaa", "this", "node", "root", "a" * 52, *follows] in lines
    assert ["nova~bbbb", "nobody", "yet", "b" * 52, *follows] in lines
    assert "2 keys claim to follow nova's" in shown
    assert "fleet revoke nova~bbbb" in shown
    with scripted({"trust": [done(TRUST)]}) as (home, _):
        assert "claim" not in home.run("trust").out


def test_only_admin_takes_a_node() -> None:
    with scripted({}) as (home, _):
        assert "which node?" in home.run("trust", "admin").err
        for words in (("lock", "nova"), ("show", "--withdraw")):
            said = home.run("trust", *words)
            assert (said.code, "takes no node" in said.err) == (2, True)
