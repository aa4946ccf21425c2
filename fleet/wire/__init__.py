"""Our frames as protobuf messages and back. Generated messages stop here.

What arrives is checked for sense and size, not for truth: a signature, a sender, a deadline are
somebody else's business.
"""
