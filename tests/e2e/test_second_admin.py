"""``fleet trust admin``: another node lets in and puts out, until that is taken back."""

from __future__ import annotations

from tests.support.homes import scene
from tests.support.until import until


def test_a_second_admin_from_the_command_line() -> None:
    with scene() as stage:
        white, nova = stage.pair()
        kai, rin = stage.home("kai"), stage.home("rin")
        kai.up()
        rin.up()
        assert nova.run("invite").code == 7
        assert white.ask("trust", "admin", "nova")["node"] == "nova"
        until(lambda: nova.ask("status")["admin"], "nova knows")
        stage.join(nova, kai)
        (admin,) = kai.ask("trust")["admins"]
        assert (admin["node"], admin["let_in"]) == ("nova", ["kai"])
        white.kill()  # what the root's home knows has to be in its database, and kai's in kai's
        kai.kill()
        white.again()
        kai.again()
        stage.wait_linked(nova, kai)
        stage.wait_linked(nova, white)

        taken = white.run("trust", "admin", "nova", "--withdraw", "--reason", "back to one")
        assert (taken.code, "signs no more" in taken.out) == (0, True)
        until(lambda: not nova.ask("status")["admin"], "nova knows")
        assert nova.run("invite").code == 7
        stage.wait_linked(nova, kai)
        assert [row["admitted_by"] for row in kai.ask("trust")["members"] if row["node"] == "kai"]
        again = white.run("trust", "admin", "nova", "--withdraw", "--json")
        assert (again.code, again.json["error"]["code"]) == (9, "wrong_state")
