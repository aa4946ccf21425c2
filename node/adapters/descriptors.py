"""Open files: as many as the host allows, and never all of them for whoever connects.

Each connection is one, before anybody is known; so are the database, tmux and the local door.
"""

from __future__ import annotations

import resource

WANTED = 65_536
CONNECTIONS = 4_096
"""At one time; a fleet of a thousand nodes has a thousand. A silent one is closed after five seconds."""


def connections() -> int:
    """Raise the limit of open files as far as it goes; how many of them peers may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = min(WANTED, hard) if hard != resource.RLIM_INFINITY else WANTED
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(CONNECTIONS, soft // 2)
