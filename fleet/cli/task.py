"""``task``: what is below it. A command that is added is a line here, and stands in its own module."""

from __future__ import annotations

from fleet.cli.command import Group

COMMANDS = {
    "task": Group(
        {
            "add": ("task_list", "put a task on the team's list"),
            "ls": (
                "task_list",
                "list the tasks: what is open, who is at what, what waits for what",
            ),
            "show": ("task_list", "one task and its whole history"),
            "change": ("task_list", "write anew what a task is"),
            "claim": ("task_work", "take a task; without a number the first one that is free"),
            "start": ("task_work", "say that you are at it, or go on after a block"),
            "note": ("task_work", "write something down with a task"),
            "block": ("task_work", "say that it cannot go on, and why"),
            "done": ("task_work", "say that it is finished, and what shows it"),
            "release": ("task_work", "let go of a task"),
            "reopen": ("task_work", "say that a task was not finished after all"),
            "assign": ("task_work", "give a task to a seat of the team"),
            "refuse": ("task_work", "pass on a task that is offered to you, and why"),
            "merge-check": (
                "task_merge",
                "merge two pieces of work out of sight: what conflicts, and whether the result works",
            ),
            "rm": ("task_work", "take a task off the list"),
        },
        'fleet task add "mend the door" --path README.md',
    )
}
