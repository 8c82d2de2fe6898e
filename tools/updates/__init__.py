"""What `copier update`, `cruft update` and `mlcc apply` do with somebody's edits, side by side (docs/updates.md)."""
