"""Nodes that fail while one is let in or put out: a token is good once, a revocation is final, and
afterwards messages pass."""

from __future__ import annotations

from functools import partial

import pytest

from tests.faults.conftest import Judge
from tests.faults.field import Field, arm, heal, is_gone, settled
from tests.support.homes import Home, Scene, scene
from tests.support.until import until

NOT_YET, NOT_ALLOWED = 5, 7


def token_of(home: Home) -> str:
    said = home.run("invite")
    assert said.code == 0, said
    return said.out.strip()


@pytest.mark.parametrize("point", ["pair:after_code_burn", "pair:before_admit_commit"])
def test_an_inviter_that_fails_lets_nobody_in_twice_by_one_token(
    fails: Judge, point: str, action: str
) -> None:
    with scene() as stage:
        both = settled(stage, stage.home("white"), stage.home("nova"))
        white, nova = both.sender, both.recipient
        plan = f"{point}={action}"
        pid = arm(white, plan)
        token = token_of(white)
        first = nova.run("join", token)
        heal(white, pid, plan)
        again = nova.run("join", token)
        assert again.code == NOT_ALLOWED, again
        if first.code:
            assert nova.run("join", token_of(white)).code == 0
        stage.wait_linked(white, nova)
        judged_alike(both, fails)


def test_a_joiner_that_fails_after_it_was_let_in_is_in(fails: Judge, action: str) -> None:
    with scene() as stage:
        both = settled(stage, stage.home("white"), stage.home("nova"))
        white, nova = both.sender, both.recipient
        plan = f"pair:after_confirm_before_commit={action}"
        pid = arm(nova, plan)
        nova.run("join", token_of(white))
        heal(nova, pid, plan)
        nova.ask("down")  # what it could not write down it finds when it is started
        nova.again()
        stage.wait_linked(white, nova)
        judged_alike(both, fails)


def test_an_admin_that_fails_while_it_revokes_can_revoke_again_and_it_holds(
    fails: Judge, action: str
) -> None:
    with scene() as stage:
        both = settled(stage, stage.home("nova"), stage.home("white"))
        nova, white = both.sender, both.recipient
        stage.join(white, nova)
        judged_alike(both, fails)
        plan = f"revoke:before_commit={action}"
        pid = arm(white, plan)
        white.run("revoke", "nova")
        heal(white, pid, plan)
        until(lambda: is_out(white, "nova") or white.run("revoke", "nova").code == 0, "revoked")
        assert_shut_out(both, white)


@pytest.mark.parametrize("trouble", ["full", "busy"])
def test_an_admin_killed_before_a_failed_revocation_is_written_had_not_said_it_was_and_learns_it(
    fails: Judge, trouble: str
) -> None:
    """The write fails, and the node is killed when it is about to try again, within a second."""
    with scene() as stage:
        both = settled(stage, stage.home("white"), stage.home("kay"))
        white, kay = both.sender, both.recipient
        nova = met(stage, white, kay)
        plan = f"revoke:before_commit={trouble},roster:before_again=kill"
        pid = arm(white, plan)
        stage.wait_linked(white, kay)
        said = white.run("revoke", "nova", "--json")
        assert (said.code, said.json["error"]["code"]) == (NOT_YET, "not_kept")
        until(partial(is_gone, pid), "white is killed before it has written it down")
        until(partial(is_out, kay, "nova"), "kay was told")
        kay.ask("down")
        kay.again()
        assert is_out(kay, "nova"), "who was told keeps it"
        white.again()
        until(partial(is_out, white, "nova"), "white learns it from kay")
        judged_alike(both, fails)
        assert_shut_out(Field(stage, nova, kay, both.recordings), kay)


@pytest.mark.parametrize("point", ["roster:after_verify_before_commit", "roster:before_cut"])
def test_a_member_that_fails_while_it_learns_of_a_revocation_learns_it_for_good(
    fails: Judge, point: str, action: str
) -> None:
    with scene() as stage:
        both = settled(stage, stage.home("white"), stage.home("kay"))
        white, kay = both.sender, both.recipient
        nova = met(stage, white, kay)
        plan = f"{point}={action}"
        pid = arm(kay, plan)
        stage.wait_linked(nova, kay)
        stage.wait_linked(white, kay)
        assert white.run("revoke", "nova").code == 0
        heal(kay, pid, plan)
        judged_alike(both, fails)
        assert_shut_out(Field(stage, nova, kay, both.recordings), kay)


@pytest.mark.parametrize("point", ["root:before_sign", "root:before_succession"])
def test_a_node_that_fails_while_it_makes_another_root_key_makes_one_when_told_again(
    fails: Judge, point: str, action: str
) -> None:
    with scene() as stage:
        both = settled(stage, stage.home("white"), stage.home("nova"))
        white, nova = both.sender, both.recipient
        stage.join(white, nova)
        failed(white, f"{point}={action}", "trust", "rotate-root")
        told = white.ask("trust", "rotate-root")
        assert told["state"] == "overlap"
        assert root_keys(white) == {"root.key", f"root.{told['root']}.key"}, "both, and no third"
        assert white.ask("trust", "rotate-root", "--finish")["state"] == "finished"
        assert_followed(stage, both, told["root"])
        judged_alike(both, fails)


@pytest.mark.parametrize("point", ["root:before_retirement", "root:before_delete"])
def test_a_node_that_fails_while_it_retires_its_root_key_has_only_the_new_one_when_told_again(
    fails: Judge, point: str, action: str
) -> None:
    with scene() as stage:
        both = settled(stage, stage.home("white"), stage.home("nova"))
        white, nova = both.sender, both.recipient
        stage.join(white, nova)
        told = white.ask("trust", "rotate-root")
        failed(white, f"{point}={action}", "trust", "rotate-root", "--finish")
        again = white.ask("trust", "rotate-root", "--finish")
        assert again == {**told, "state": "finished"}
        assert_followed(stage, both, told["root"])
        judged_alike(both, fails)


def failed(home: Home, plan: str, *words: str) -> None:
    """Give a command to a node that fails over it, and have the node run again."""
    pid = arm(home, plan)
    home.run(*words)
    heal(home, pid, plan)


def root_keys(home: Home) -> set[str]:
    """The files of root keys in a home."""
    return {path.name for path in (home.root / "keys").glob("root*.key")}


def assert_followed(stage: Scene, both: Field, root: str) -> None:
    """This root alone signs, everybody knows it, its key is the only one, and it lets in."""
    white, nova = both.sender, both.recipient
    assert root_keys(white) == {f"root.{root}.key"}
    until(partial(is_sole, nova, root), "nova knows who signs")
    assert is_sole(white, root)
    until(lambda: not white.run("invite").code, "a disk that was to fail once more has done so")
    kay = stage.home("kay")
    kay.up()
    stage.join(white, kay)
    assert is_sole(kay, root)
    stage.wait_linked(white, nova)


def is_sole(home: Home, root: str) -> bool:
    *before, last = [(one["state"], one["key"]) for one in home.ask("trust")["roots"]]
    return last == ("signs", root) and [state for state, _ in before] == ["retired"]


def met(stage: Scene, white: Home, kay: Home) -> Home:
    """Nova, let in by white as kay is, and linked with kay."""
    nova = stage.home("nova")
    nova.up()
    for joiner in (nova, kay):
        stage.join(white, joiner)
    address = kay.ask("status")["listen"]
    (nova.root / "config.toml").write_text(f'[peers]\nkay = ["{address}"]\n')
    nova.ask("down")
    nova.again()
    stage.wait_linked(nova, kay)
    return nova


def is_out(home: Home, name: str) -> bool:
    return any(n["node"].startswith(name) and n["state"] == "revoked" for n in home.ask("nodes"))


def judged_alike(both: Field, fails: Judge) -> None:
    """Messages pass, each once."""
    both.wait_known()
    fails.judged(both.exchange(fails.each))


def assert_shut_out(both: Field, home: Home) -> None:
    """Home knows that nova is out, also after another start, and what nova sends is typed to nobody."""
    until(partial(is_out, home, "nova"), f"{home.name} knows that nova is out")
    home.ask("down")
    home.again()
    assert is_out(home, "nova")
    before = both.taken()
    for agent in both.recordings:
        said = both.sender.run("send", f"{agent}@{home.name}", "let me in", "--timeout", "1")
        assert said.code != 0, said
    assert both.taken() == before
