"""Which node follows which: a node that took a new key is another id, and goes on as the one before.

A pure function of what was signed, so replicas agree in whatever order it reaches them. In doubt nobody
follows: two that follow one, one that follows two, a circle, or one before it that was put out, and none
of them belongs until somebody puts the wrong one out.
"""

from __future__ import annotations

from collections.abc import Mapping

LINEAGE_LIMIT = 64
"""Keys of one node, one after the other. Whoever needs more joins afresh: each costs every roster two
entries for ever."""

Said = Mapping[str, frozenset[str]]
"""For each id that was revoked: who follows it, as each revocation says; ``""`` for a plain one."""


class Following:
    """Who follows whom. ``follows`` has for each id the ids that its admissions say it follows."""

    def __init__(self, follows: Mapping[str, frozenset[str]], said: Said) -> None:
        self._follows = follows
        self._said = said
        self._followers: dict[str, set[str]] = {}
        for new, olds in follows.items():
            for old in olds:
                self._followers.setdefault(old, set()).add(new)
        self._void = frozenset(new for new in follows if not self._is_sound(new))

    def is_void(self, node_id: str) -> bool:
        """Whether it is let in as the follower of another, and does not follow it after all."""
        return node_id in self._void

    def lineage(self, node_id: str) -> tuple[str, ...]:
        """The id and those before it, newest first."""
        found = [node_id]
        while node_id not in self._void and (before := self._follows.get(node_id)):
            (node_id,) = before
            found.append(node_id)
        return tuple(found)

    def heir(self, node_id: str) -> str:
        """The newest id of the same node; the id itself when nothing follows it."""
        while sound := self._followers.get(node_id, set()) - self._void:
            if len(sound) > 1:  # all of them were put out, or none would be sound
                return node_id
            (node_id,) = sound
        return node_id

    def followers(self, node_id: str) -> frozenset[str]:
        """All that were let in as following it, also those that do not."""
        return frozenset(self._followers.get(node_id, ()))

    def contested(self) -> dict[str, tuple[str, ...]]:
        """The ids that several are to follow, of whom nobody is decided for: each with those who claim it."""
        told = {*self._followers, *self._said} - self._void
        claims = {old: self._claims(old) for old in told if "" not in self._said.get(old, ())}
        return {old: tuple(sorted(found)) for old, found in sorted(claims.items()) if found[1:]}

    def _claims(self, old: str, beside: str = "") -> list[str]:
        """Who is to follow an id, by an admission or by the word that gives it up, and was not put out."""
        told = self._followers.get(old, set()) | self._said.get(old, frozenset())
        return [one for one in told - {"", beside} if self._goes_on(one)]

    def _is_sound(self, node_id: str) -> bool:
        """Whether each step back from it is the only one, and nobody on the way was put out."""
        seen = {node_id}
        while olds := self._follows.get(node_id):
            if len(olds) > 1 or len(seen) > LINEAGE_LIMIT:
                return False
            (old,) = olds
            if old in seen or "" in self._said.get(old, ()):
                return False
            if self._claims(old, beside=node_id):
                return False
            seen.add(old)
            node_id = old
        return True

    def _goes_on(self, node_id: str) -> bool:
        """Whether it was not put out, nor all that follow it."""
        seen: set[str] = set()
        waiting = [node_id]
        while waiting:
            one = waiting.pop()
            if one in seen or "" in self._said.get(one, ()):
                continue
            seen.add(one)
            after = self._followers.get(one)
            if not after:
                return True
            waiting += after
        return False


def put_out(follows: Mapping[str, frozenset[str]], said: Said) -> frozenset[str]:
    """The ids that were put out, and all ids before them: no power that was theirs is left."""
    found: set[str] = set()
    waiting = {node_id for node_id, whys in said.items() if "" in whys}
    while waiting:
        found |= waiting
        before = {old for node_id in waiting for old in follows.get(node_id, ())}
        waiting = before - found
    return frozenset(found)
