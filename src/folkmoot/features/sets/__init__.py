"""Feature sets: one file each, whose `PLUGIN` maps a decision timeframe to its columns."""
