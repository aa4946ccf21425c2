"""Everything that goes wrong, as one tree: ``base.py`` its root, a module per family, ``tree.py`` all.

``fleet/outcomes.py`` maps each class, once, to a gRPC status and an exit code.
"""
