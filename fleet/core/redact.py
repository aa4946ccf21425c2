"""What may leave this host in a support bundle: decided word by word, by what is known to be harmless.

A word stays if fleet itself says it (its own sources hold it) and nobody here is called so; numbers, times
and loopback addresses stay. Everything else becomes a pseudonym, the same one everywhere in one bundle, so
that lines still tell who is who. Nothing is looked for in order to be removed: what nobody thought of is
removed too.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Container, Iterable, Iterator
from typing import Any, cast

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_'’-]*")
"""What is taken for a word of a source file."""
_TOKEN = re.compile(r"\S+")
_EDGES = "()[]{}<>\"'`‘’“”,.;:!?…*"
_NUMBER = re.compile(r"[+-]?[0-9]{1,5}(\.[0-9]{1,6})?[%s]?")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]{8,15}(Z|\+00:00))?|[0-9]{2}:[0-9]{2}:[0-9]{2}"
)
_VERSION = re.compile(
    r"[0-9]{1,4}(\.[0-9]{1,6}){1,2}(\.(dev|post)[0-9]{1,3}|(a|b|rc)[0-9]{1,3}|[a-z])?"
)
_HERE = re.compile(r"(127\.0\.0\.1|0\.0\.0\.0|localhost|\[::1?\])(:[0-9]{1,5})?")
_PORTED = re.compile(r"(.+):([0-9]{1,5})")
_FRAME = re.compile(
    r'\s*File "(?:.*/)?((?:fleet|node)/(?:[a-z_]+/)*[a-z_]+\.py)", line ([0-9]+), in (\w+)'
)
_RAISED = re.compile(r"([A-Za-z_][A-Za-z0-9_.]*)(?::.*)?")
_RPC = re.compile(r"/fleet\.v1\.[A-Z][a-z]+/[A-Z][A-Za-z]+")
_HARMLESS = (_NUMBER, _TIME, _VERSION, _HERE, _RPC)
_KINDS = ("Error", "Exception", "Exit", "Interrupt", "Group")
_LONGEST_EDGES = 6


class Redactor:
    """Rewrites values. ``words`` are those that may stay, unless they are among ``names``.

    ``secret`` makes the pseudonyms and is kept by nobody: the same name has others in the next bundle.
    """

    def __init__(self, secret: bytes, words: Container[str], names: Iterable[str]) -> None:
        self._secret = secret
        self._words = words
        self._names = frozenset(name.lower() for name in names)

    def value(self, said: Any) -> Any:
        """Anything that JSON can say; keys are words like any other."""
        kind = cast("type[object]", type(said))
        if kind is dict:
            return {self.text(str(key)): self.value(one) for key, one in said.items()}
        if kind is list:
            return [self.value(one) for one in said]
        if said is None or kind in {bool, int, float}:
            return said
        return self.text(str(said))

    def text(self, said: str) -> str:
        """A sentence, or a name, or both; its blanks stay."""
        return _TOKEN.sub(lambda found: self._edged(found[0]), said)

    def _edged(self, token: str) -> str:
        core = token.strip(_EDGES)
        if not core:
            return token if len(token) <= _LONGEST_EDGES else self._pseudonym(token)
        if _is_harmless(token):
            return token
        before, _, behind = token.partition(core)
        return f"{before[:_LONGEST_EDGES]}{self._core(core)}{behind[:_LONGEST_EDGES]}"

    def _core(self, core: str) -> str:
        if core.lower() in self._names:
            return self._pseudonym(core)
        if _is_harmless(core) or core.lower() in self._words:
            return core
        name, at, node = core.partition("@")
        if at and name and node:
            return f"{self._core(name)}@{self._pseudonym(node)}"
        if ported := _PORTED.fullmatch(core):
            return f"{self._pseudonym(ported[1])}:{ported[2]}"
        return self._pseudonym(core)

    def _pseudonym(self, name: str) -> str:
        return f"<{hmac.digest(self._secret, name.lower().encode(), 'sha256').hex()[:8]}>"

    def frames(self, traceback: str) -> Iterator[str]:
        """Where it happened, in our own files, and which errors it was; no word of what they said."""
        for line in traceback.splitlines():
            if found := _FRAME.match(line):
                yield f"{found[1]}:{found[2]} in {found[3]}"
            elif raised := _RAISED.fullmatch(line):
                kind = raised[1].rpartition(".")[2]
                if kind.endswith(_KINDS) and kind.lower() in self._words:
                    yield kind


def _is_harmless(token: str) -> bool:
    return any(pattern.fullmatch(token) for pattern in _HARMLESS)
