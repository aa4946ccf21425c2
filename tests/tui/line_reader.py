"""Reads line by line with ``input()`` and writes each line down.

python line_reader.py FILE [SECONDS between two lines]
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

pause_s = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
while True:
    line = input("you> ")
    with Path(sys.argv[1]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    if pause_s:
        threading.Event().wait(pause_s)
