"""A prompt of prompt_toolkit that writes every accepted text down: python prompter.py FILE [multiline]."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from prompt_toolkit import PromptSession

session: PromptSession[str] = PromptSession("> ", multiline="multiline" in sys.argv)
while True:
    text = session.prompt()
    with Path(sys.argv[1]).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"text": text, "last_s": 0.0}) + "\n")
