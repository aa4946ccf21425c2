"""A passphrase, when a node says that it needs one: from a file, or from the person at the terminal."""

from __future__ import annotations

import sys

from fleet.cli.door import Failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fleet.cli.command import Invocation
    from fleet.cli.door import Answer

FILE = "FLEET_PASSPHRASE_FILE"


def ask_signed(invocation: Invocation, call: str, **args: Any) -> Answer:
    """A call that signs something: once more with the passphrase when the key turns out to be locked.

    Raises:
        Failed: the node's own error; that the key is locked, when nobody is there to say the passphrase.
    """
    try:
        return invocation.ask(call, **args)
    except Failed as failed:
        if failed.error.get("code") != "key_locked":
            raise
        passphrase = said(invocation, "passphrase of the root key: ")
        if not passphrase:
            raise
    return invocation.ask(call, passphrase=passphrase, **args)


def said(invocation: Invocation, prompt: str, *, twice: bool = False) -> str:
    """The passphrase from the file that the environment names, or asked for; empty without either."""
    if path := invocation.environ.get(FILE):
        try:
            with open(path, encoding="utf-8") as file:
                return file.read().removesuffix("\n")
        except (OSError, ValueError) as error:
            raise invocation.usage(f"{FILE}: {path} cannot be read: {error}") from None
    if not (sys.stdin and sys.stdin.isatty() and invocation.terminal.err_is_tty):
        return ""
    from getpass import getpass

    passphrase = getpass(prompt)
    if twice and getpass("again: ") != passphrase:
        raise invocation.usage("the two are not the same", hint="nothing was changed")
    return passphrase
