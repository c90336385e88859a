"""What every layer stands on: errors with their place, settings, locks, clock, progress."""
