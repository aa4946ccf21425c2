"""The node's work: it asks the core, writes down, then acts through the ports."""
