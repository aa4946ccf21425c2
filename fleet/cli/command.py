"""What a command is made of: its arguments, an example, and what it does with one invocation."""

from __future__ import annotations

import argparse
import os

from fleet.cli.door import PATIENCE_S, Broken, Door

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn

    from fleet.cli.door import Answer
    from fleet.cli.terminal import Terminal

_PROTECTED = "\0"  # no argument of a process can hold it
_WIDEST = 100
_LONGEST_S = 3_650 * 86_400.0


class UsageError(Exception):
    """The command line is not understood; nothing was tried."""

    def __init__(self, message: str, usage: str, hint: str) -> None:
        super().__init__(message)
        self.usage = usage
        self.hint = hint


class Layout(argparse.RawDescriptionHelpFormatter):
    """Help as wide as the terminal; told its width, or argparse imports shutil to ask for it."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=_columns())

    def _format_action_invocation(self, action: argparse.Action) -> str:
        """``-f, --file FILE``; argparse says FILE twice before Python 3.13."""
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        values = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {values}"


def _columns() -> int:
    told = os.environ.get("COLUMNS", "")
    if told.isdigit():
        return min(int(told), _WIDEST)
    try:
        return min(os.get_terminal_size(1).columns or _WIDEST, _WIDEST)
    except OSError:
        return 80


class Parser(argparse.ArgumentParser):
    """argparse, but a mistake is an exception, and options are never guessed from their beginning.

    Options may stand between the positional arguments; what follows ``--`` is never an option.
    """

    def __init__(self, prog: str, about: str, example: str) -> None:
        super().__init__(
            prog=prog,
            description=about,
            epilog=f"example:\n  {example}",
            formatter_class=Layout,
            allow_abbrev=False,
            add_help=False,
        )
        self.everywhere = self.add_argument_group("everywhere")
        self.everywhere.add_argument("-h", "--help", action="help", help="this")
        self.everywhere.add_argument(
            "--json", action="store_true", help="answer with one JSON value"
        )
        self.everywhere.add_argument(
            "--home", metavar="DIR", default="", help="which node: its home"
        )

    def error(self, message: str) -> NoReturn:
        """Tell the mistake to who called us."""
        raise self.mistake(message.replace(_PROTECTED, ""))

    def mistake(self, message: str, hint: str = "") -> UsageError:
        """What is wrong with a command line, with the usage beside it."""
        hint = hint or f"{self.prog} --help says more, with an example"
        return UsageError(message, self.format_usage().strip(), hint)

    def read(self, words: Sequence[str], *, takes_program: bool) -> argparse.Namespace:
        """Parse; ``program`` is what follows ``--``, for commands that take one."""
        cut = words.index("--") if "--" in words else len(words)
        behind = list(words[cut + 1 :])
        plain = [] if takes_program else [_PROTECTED + word for word in behind]
        if self.usage is None:
            # Else parse_intermixed_args keeps it as it is, and trips over the % of a metavar.
            usage = self.format_usage().removeprefix("usage: ").strip()
            self.usage = usage.replace("%", "%%")
        given = self.parse_intermixed_args([*words[:cut], *plain])
        for name, value in vars(given).items():
            if isinstance(value, str):
                setattr(given, name, value.removeprefix(_PROTECTED))
        if takes_program:
            given.program = behind
        return given


class Command:
    """One command. ``arguments`` adds its own to a parser, ``run`` returns the exit code."""

    __slots__ = ("arguments", "example", "run", "takes_program")

    def __init__(
        self,
        run: Callable[[Invocation], int],
        arguments: Callable[[Parser], None],
        example: str,
        *,
        takes_program: bool = False,
    ) -> None:
        self.run = run
        self.arguments = arguments
        self.example = example
        self.takes_program = takes_program

    def parser(self, name: str, about: str) -> Parser:
        """The parser of this command under a name."""
        parser = Parser(f"fleet {name}", about, self.example)
        if self.takes_program:
            parser.usage = None
        self.arguments(parser)
        return parser


class Group:
    """Commands below one word: ``fleet team check``. Each is a ``Command`` called ``team check``.

    ``table`` is as that of ``fleet.cli.main``: the module of each, imported only when it is meant, and
    what it does.
    """

    __slots__ = ("example", "table")

    def __init__(self, table: dict[str, tuple[str, str]], example: str) -> None:
        self.table = table
        self.example = example

    def parser(self, name: str, about: str) -> Parser:
        """What shows the help of the word itself."""
        parser = Parser(f"fleet {name}", about, self.example)
        listed = parser.add_argument_group("commands", "each has --help, with an example")
        for sub, (_, does) in self.table.items():
            listed.add_argument(sub, nargs="?", help=does)
        parser.usage = f"fleet {name} [-h] COMMAND …"
        return parser

    def load(self, name: str, sub: str) -> Command:
        """The command of this word; imports its module.

        Raises:
            UsageError: there is none.
        """
        if sub not in self.table:
            from difflib import get_close_matches

            near = get_close_matches(sub, self.table, n=3)
            hint = f"did you mean {', '.join(near)}?" if near else f"fleet {name} --help lists them"
            said = f"fleet {name} has no command {sub!r}" if sub else f"fleet {name} does what?"
            raise UsageError(said, f"usage: fleet {name} COMMAND …", hint)
        command: Command = module_of(self.table[sub][0])[f"{name} {sub}"]
        return command


def module_of(name: str) -> dict[str, Any]:
    """The commands of a module of ours, by their names."""
    commands: dict[str, Any] = __import__(f"fleet.cli.{name}", fromlist=["COMMANDS"]).COMMANDS
    return commands


class Invocation:
    """One command as it was typed: what was given, which home, where to answer."""

    __slots__ = ("environ", "given", "home", "parser", "terminal")

    def __init__(
        self, parser: Parser, given: argparse.Namespace, home: str, terminal: Terminal
    ) -> None:
        self.parser = parser
        self.given = given
        self.home = home
        self.terminal = terminal
        self.environ = terminal.environ

    def ask(
        self,
        call: str,
        *,
        patience_s: float = PATIENCE_S,
        hear: Callable[[dict[str, Any]], None] | None = None,
        **args: Any,
    ) -> Answer:
        """One call of the local door, from connecting to hanging up; ``hear`` gets each line before the last.

        Raises:
            NodeNotRunning: there is no node, or it left in the middle of the answer.
            Failed: the node's own error.
        """
        door = Door(self.home)
        try:
            return door.ask(call, args, patience_s=patience_s, hear=hear)
        except Broken as broken:
            raise left(self.home, broken) from None
        except TimeoutError:
            raise left(self.home, Broken(f"nothing for {patience_s:.0f} s")) from None
        finally:
            door.close()

    def usage(self, message: str, hint: str = "") -> UsageError:
        """A mistake that argparse cannot see."""
        return self.parser.mistake(message, hint)


def left(home: str, broken: Broken) -> Exception:
    """The error of a node that went away in the middle of a call."""
    from fleet.core.errors.nodes import NodeNotRunning

    error = NodeNotRunning(home, f"it was asked, and gave no whole answer: {broken}")
    error.hint = f"fleet status; what it says about itself is in {home}/log"
    return error


def nothing(parser: Parser) -> None:
    """The arguments of a command that has none."""


def seconds(text: str) -> float:
    """A length of time: seconds, or with a unit, as in 90, 1.5h, 7d."""
    units = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
    unit = units.get(text[-1:])
    try:
        length_s = float(text[:-1] if unit else text) * (unit or 1.0)
    except ValueError:
        length_s = -1.0
    if not 0 <= length_s <= _LONGEST_S:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time: seconds, or 10m, 2h, 7d, up to {_LONGEST_S / 86_400:.0f}d"
        )
    return length_s
