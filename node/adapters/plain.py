"""Files that others write, read with care: in the folder of a program anything may stand in their place.

A pipe would keep the reader for ever, a link to ``/dev/zero`` give it more than there is memory.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path


def tail_of(path: Path, most_bytes: int) -> bytes:
    """The last bytes of a plain file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no plain file.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as file:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(f"{path} is no plain file")
        file.seek(max(0, status.st_size - most_bytes))
        return file.read(most_bytes)


def whole(path: Path, most_bytes: int) -> bytes:
    """All of a plain file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no plain file, or larger than that.
    """
    data = tail_of(path, most_bytes + 1)
    if len(data) > most_bytes:
        raise ValueError(f"{path} is larger than {most_bytes} bytes")
    return data
