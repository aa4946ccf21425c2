"""What is true everywhere: decisions, wire, errors, the client and the command line.

Importing this package imports nothing else: ``fleet send`` is started thousands of times a day.
"""
