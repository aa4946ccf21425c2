"""Decisions as plain values and pure functions: no I/O, no clock, no randomness.

Whoever calls passes in the time and the ids. import-linter keeps it that way.
"""
