"""What the engine needs of the world, as few and small protocols as will do: a module per part of it.

Each has two makers: the adapter in ``node/adapters`` and the fake in ``tests/support``. One contract
suite (``tests/contract``) runs on both.
"""
