"""Generated from proto/fleet/v1 by `make proto`, never edited; only `fleet.wire` speaks it."""
