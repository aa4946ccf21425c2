"""The node's two doors: a unix socket for this host's user, gRPC over mTLS for peers."""
