"""What an agent is taught about fleet: a skill in the Agent Skills format, shipped with the product.

A skill is a folder with a ``SKILL.md``, called as the skill is. Its last line is ours: a digest of all
above. So a file that we wrote and nobody touched is known, wherever it lies: it may be written anew by
a newer version, or removed. Every other file is a person's, and stays as it is.
"""

from __future__ import annotations

from hashlib import sha256
from importlib import resources

NAME = "fleet"
FILE = "SKILL.md"
LIMIT_BYTES = 64 * 1024
"""More than any version of ours has: what is longer is not read."""
# The same for ever: by it newer versions know what older ones wrote.
_SEAL = (
    "<!-- written by fleet, replaced by newer versions of it; sha256 of the text above: {} -->\n"
)


def skill() -> str:
    """The text of ``SKILL.md``, sealed."""
    return _sealed((resources.files(__name__) / FILE).read_text(encoding="utf-8"))


def is_ours(text: str) -> bool:
    """Whether some version of ours wrote exactly this."""
    above, newline, _last = text.removesuffix("\n").rpartition("\n")
    return bool(newline) and _sealed(f"{above}\n", gap="") == text


def _sealed(text: str, gap: str = "\n") -> str:
    whole = f"{text}{gap}"
    return whole + _SEAL.format(sha256(whole.encode()).hexdigest())
