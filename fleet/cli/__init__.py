"""The command line: one file per command or tight group, found through the table in ``main.py``.

Start-up is most of what ``fleet send`` costs, so a module here imports at its top only what the
interpreter has loaded anyway, argparse, json and ``_socket``. Everything else waits inside the
function that needs it. ``tests/unit/test_cli_imports.py`` holds us to it.
"""
