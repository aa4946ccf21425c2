"""The calls of the local door: a module per family, and ``table.py``, which joins them."""
