"""The tests of fleet; `docs/contributing.md` says which lives where."""
