"""Tests of the guarantees (docs/guarantees.md): full figures with `make stress`, smaller ones with `make test`."""
