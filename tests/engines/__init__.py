"""Real serving engines on this machine's processors: opt-in, because they are large (`make test-engines`)."""
