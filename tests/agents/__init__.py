"""The real agent programs, offline, judged by the model server's record: ``make test-agents``."""
