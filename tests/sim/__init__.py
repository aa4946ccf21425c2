"""Storms over whole nodes in one process.

Their faults (``tests/support/faults.py``): crashes at any effect, stops, a node that stands still; links
that break, are cut, slow or noticed late; disks that are slow, full or fail once; clocks that step by hours,
and back; tmux that dies, restarts or answers nothing, panes used again; programs that ask, are busy, deaf or
stuck, tell late, swallow keys, or die amid a paste or at Enter; people who type, write drafts, copy; once in
a storm a database that is put back from an older copy, of which ``test_restored.py`` has the stories.
"""
