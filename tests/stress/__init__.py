"""Guarantees at full figures (`make stress`), and a smaller set of the same in `make test`."""
