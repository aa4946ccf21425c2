"""What this node was asked by teams of other nodes, what it agreed to, and what is still to be told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fleet.core.trust import Policy, Verb
from node.store.database import Database


class Answered(StrEnum):
    """What became of an invitation, as far as the invited node knows."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"  # by the team's home; also when it asked anew


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation that came here. ``asked`` is it as JSON, ``until_s`` wall time of this node."""

    invitation: str
    team_id: str
    home: str
    asked: bytes
    until_s: float
    state: Answered


@dataclass(frozen=True, slots=True)
class Agreement:
    """That a role of a team may live here, as ``digest`` pins it: so many at once, under no more open a
    policy, with these verbs granted to the team. ``folder`` is the repository's on this node, empty
    where none is needed; ``joined`` the number of the log's entry that it is known by at home; ``socket``
    the tmux server that its members run in."""

    team_id: str
    role: str
    home: str
    digest: str
    count: int
    policy: Policy
    verbs: tuple[Verb, ...]
    folder: str
    since_s: float
    invitation: str
    joined: int
    socket: str = ""


@dataclass(frozen=True, slots=True)
class Errand:
    """Something that a node has to be told, now or when it is there again, until a time (0: ever)."""

    number: int
    node: str
    team_id: str
    verb: str
    key: str
    arguments: bytes
    until_s: float


class AgreementTable:
    """Invitations, agreements, the grants that came of them, errands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- invitations that came here ---

    def invited(self, prefix: str = "") -> list[Invited]:
        """All, or those whose id begins so; the newest last."""
        return [
            Invited(one, team, home, bytes(asked), until_s, Answered(state))
            for one, team, home, asked, until_s, state in self._database.rows(
                "SELECT id, team, home, asked, until, state FROM team_invited"
                " WHERE substr(id, 1, length(?)) = ? ORDER BY until, id",
                (prefix, prefix),
            )
        ]

    def put_invited(self, one: Invited) -> None:
        """Remember one as it is now."""
        self._database.execute(
            "INSERT OR REPLACE INTO team_invited VALUES (?, ?, ?, ?, ?, ?)",
            (one.invitation, one.team_id, one.home, one.asked, one.until_s, one.state),
        )

    def drop_invited(self, before_s: float) -> None:
        """Forget those that ran out before then."""
        self._database.execute("DELETE FROM team_invited WHERE until < ?", (before_s,))

    def forget_invited(self, invitation: str) -> None:
        """Forget one."""
        self._database.execute("DELETE FROM team_invited WHERE id = ?", (invitation,))

    # --- agreements ---

    def agreements(self, team_id: str = "") -> list[Agreement]:
        """All, or those of one team, by role."""
        return [
            Agreement(
                team, role, home, digest, count, Policy(policy),
                tuple(Verb(verb) for verb in verbs.split(",") if verb), folder, since_s, invitation,
                joined, socket,
            )
            for (
                team, role, home, digest, count, policy, verbs, folder, since_s, invitation, joined,
                socket,
            ) in (
                self._database.rows(
                    "SELECT team, role, home, digest, count, policy, verbs, folder, since,"
                    " invitation, joined, socket FROM team_agreed WHERE ? IN ('', team) ORDER BY team, role",
                    (team_id,),
                )
            )
        ]  # fmt: skip

    def put_agreement(self, one: Agreement) -> None:
        """Agree, in place of an earlier agreement on the same role."""
        self._database.execute(
            "INSERT OR REPLACE INTO team_agreed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                one.team_id, one.role, one.home, one.digest, one.count, one.policy,
                ",".join(one.verbs), one.folder, one.since_s, one.invitation, one.joined,
                one.socket,
            ),
        )  # fmt: skip

    def drop_agreements(self, team_id: str) -> None:
        """Agree to nothing of a team any more."""
        self._database.execute("DELETE FROM team_agreed WHERE team = ?", (team_id,))

    # --- grants that came of them ---

    def granted(self, team_id: str) -> set[tuple[str, str]]:
        """To whom on which agents something was granted by accepting into this team."""
        return set(
            self._database.rows("SELECT who, agent FROM team_granted WHERE team = ?", (team_id,))
        )

    def put_granted(self, team_id: str, who: str, agent: str) -> None:
        """Remember that a grant came of this team."""
        self._database.execute(
            "INSERT OR REPLACE INTO team_granted VALUES (?, ?, ?)", (who, agent, team_id)
        )

    def drop_granted(self, who: str, agent: str) -> None:
        """Forget that it did."""
        self._database.execute("DELETE FROM team_granted WHERE who = ? AND agent = ?", (who, agent))

    # --- errands ---

    def errands(self, node: str = "") -> list[Errand]:
        """What is to be told to one node, or to all, in order."""
        return [
            Errand(n, to, team, verb, key, bytes(arguments), until_s)
            for n, to, team, verb, key, arguments, until_s in self._database.rows(
                "SELECT n, node, team, verb, key, arguments, until FROM team_errands"
                " WHERE ? IN ('', node) ORDER BY n",
                (node,),
            )
        ]

    def put_errand(self, one: Errand) -> None:
        """Remember to tell something; its number is made here."""
        self._database.execute(
            "INSERT INTO team_errands (node, team, verb, key, arguments, until)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (one.node, one.team_id, one.verb, one.key, one.arguments, one.until_s),
        )

    def drop_errands(self, *, number: int = 0, key: str = "") -> None:
        """Forget one by its number, or all with a key."""
        self._database.execute(
            "DELETE FROM team_errands WHERE n = ? OR (key = ? AND key <> '')", (number, key)
        )
