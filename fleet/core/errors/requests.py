"""What was asked for cannot be done as given: text, names, options, files of configuration."""

from __future__ import annotations

from fleet.core.errors.base import FleetError, Layer


class MalformedName(FleetError):
    """What was typed is not a name by the grammar of ``fleet/core/address.py``."""

    layer = "input"

    def __init__(self, text: str, why: str) -> None:
        super().__init__(
            f"{text!r} is not a name: {why}",
            hint="names look like agent, agent@node or team/role@node, in a-z 0-9 . _ -",
        )


class MalformedRequest(FleetError):
    """A call or an option makes no sense as given."""

    layer = "input"


class WrongState(FleetError):
    """The action does not fit the state of what it is about."""

    layer: Layer = "input"


class EmptyText(FleetError):
    """There is nothing to send."""

    layer = "input"

    def __init__(self) -> None:
        super().__init__(
            "the text is empty", hint='fleet send NAME "text", or pipe it: … | fleet send NAME -f -'
        )


class UndecodableText(FleetError):
    """The text is not UTF-8."""

    layer = "input"

    def __init__(self, source: str, offset: int) -> None:
        super().__init__(
            f"{source} is not UTF-8: the first bad byte is at offset {offset}",
            hint="convert it (iconv -t UTF-8), or send the path of the file instead",
        )


class TooLarge(FleetError):
    """The text is over the size limit; nothing was kept of it."""

    layer = "input"

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(
            f"the text is {size_bytes} bytes; at most {limit_bytes} can be sent",
            hint="put it into a file that the other side can read, and send the path",
        )


class BadConfig(FleetError):
    """A configuration file or profile cannot be used."""

    layer = "input"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}", hint=f"correct {path}, or move it away for the defaults")


class KeyReused(FleetError):
    """An idempotency key came back with another message."""

    layer = "input"

    def __init__(self, key: str, envelope_id: str) -> None:
        super().__init__(
            f"key {key!r} was used for another message, {envelope_id}",
            hint="repeat the same text to the same recipient, or take a new key",
        )


class UnknownProfile(FleetError):
    """No profile has this name."""

    layer = "input"

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"no profile is called {name!r}", hint=f"known: {', '.join(known)}")
