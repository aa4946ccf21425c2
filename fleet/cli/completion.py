"""``completion`` and ``version``: what a shell and a bug report want to know."""

from __future__ import annotations

import argparse

from fleet.cli.command import Command, nothing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fleet.cli.command import Invocation, Parser

SHELLS = ("bash", "zsh", "tcsh")


def _arguments(parser: Parser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="which shell")


def _completion(call: Invocation) -> int:
    import shtab

    script = shtab.complete(whole_parser(), call.given.shell)
    if call.terminal.as_json:
        call.terminal.data({"shell": call.given.shell, "script": script})
    else:
        call.terminal.say(script)
    return 0


def whole_parser() -> argparse.ArgumentParser:
    """All commands in one parser, as completion and the reference page want them."""
    from fleet.cli.command import Group
    from fleet.cli.main import TABLE, load

    whole = argparse.ArgumentParser("fleet", description="Messages by name between AI agents.")
    whole.add_argument("--json", action="store_true", help="answer with one JSON value")
    whole.add_argument("--home", metavar="DIR", help="which node: its home")
    commands = whole.add_subparsers(metavar="COMMAND")
    for name, (_, about) in TABLE.items():
        command = load(name)
        if isinstance(command, Group):
            below = commands.add_parser(name, help=about).add_subparsers(metavar="COMMAND")
            for sub, (_, does) in command.table.items():
                parser = command.load(name, sub).parser(f"{name} {sub}", does)
                below.add_parser(sub, parents=[parser], help=does, add_help=False)
            continue
        parser = command.parser(name, about)
        commands.add_parser(name, parents=[parser], help=about, add_help=False)
    return whole


def _version(call: Invocation) -> int:
    from importlib.metadata import version

    if call.terminal.as_json:
        call.terminal.data({"version": version("fleet")})
    else:
        call.terminal.say(f"fleet {version('fleet')}")
    return 0


COMMANDS = {
    "completion": Command(_completion, _arguments, "fleet completion bash > ~/.fleet-completion"),
    "version": Command(_version, nothing, "fleet version"),
}
