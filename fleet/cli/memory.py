"""``memory``: what is below it. A command that is added is a line here, and stands in its own module."""

from __future__ import annotations

from fleet.cli.command import Group

COMMANDS = {
    "memory": Group(
        {
            "add": ("memory_tell", "write down what you learnt"),
            "ls": ("memory_show", "list what was found"),
            "show": ("memory_show", "one finding, or the orders, notes and hand-overs of a team"),
            "search": ("memory_show", "find what was found, by its words"),
            "edit": ("memory_tell", "say a finding better"),
            "promote": (
                "memory_tell",
                "turn a finding into a standing order, or a note of the team",
            ),
            "orders": ("memory_tell", "show the standing orders, or write them anew"),
            "handover": ("memory_tell", "leave a note to whoever comes into your seat"),
            "briefing": ("memory_show", "what a new incarnation would be given, word for word"),
        },
        'fleet memory add "the tests need LANG=C" --tag tests',
    )
}
