"""``make test-agents``: the real programs, offline, judged by what their model was told.

python -m tests.agents [--only NAMES] [--size few|usual|all] [--page] [--output FILE]
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from tests.agents.cells import Ran, play_program
from tests.agents.install import Installed, NotInstalled, install
from tests.agents.programs import PROGRAMS
from tests.agents.report import is_good, save, table, write_page
from tests.agents.stage import go_alone, is_alone, stage

OUTPUT = Path("build/agents/agents.json")


def main() -> None:
    """Play what is asked for; exits with 1 when a program did not run, anything was wrong, or an idle
    program did not get its messages in time."""
    parser = argparse.ArgumentParser(prog="python -m tests.agents", description=__doc__)
    parser.add_argument("--only", default="", help=f"of {', '.join(PROGRAMS)}, with commas")
    parser.add_argument("--size", default="usual", choices=("few", "usual", "all"))
    parser.add_argument("--page", action="store_true", help="write the page, whatever has run")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    given = parser.parse_args()
    names = [name for name in given.only.replace(" ", ",").split(",") if name] or [*PROGRAMS]
    if unknown := [name for name in names if name not in PROGRAMS]:
        parser.error(f"there is no program {unknown[0]!r}: {', '.join(PROGRAMS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is taken down again
    # In the end we are alone, and programs come over the network: first those, then the rest.
    found = {name: _install(name) for name in names}
    go_alone(["-m", "tests.agents", *sys.argv[1:]])
    if not is_alone():
        print("not root: no network namespace, only proxies that lead nowhere", file=sys.stderr)
    ran = [_play(name, had, given.size) for name, had in found.items()]
    save(ran, given.size, given.output)
    print(table(ran))
    print(f"\nsaved in {given.output}")
    if given.page or (len(ran) == len(PROGRAMS) and not any(r.trouble for r in ran)):
        write_page(ran, given.size)
    sys.exit(not is_good(ran))


def _install(name: str) -> Installed | NotInstalled:
    try:
        return install(PROGRAMS[name])
    except NotInstalled as why:
        return why


def _play(name: str, had: Installed | NotInstalled, size: str) -> Ran:
    if isinstance(had, NotInstalled):
        return Ran(name, "", trouble=f"not installed: {had}")
    print(f"{name} {had.version}", flush=True)
    try:
        with stage() as where:
            return play_program(where, PROGRAMS[name], had, size)
    except AssertionError as error:
        return Ran(name, had.version, trouble=f"no stage for it: {error}")


if __name__ == "__main__":
    main()
