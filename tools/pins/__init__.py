"""The pins of the rows of registries/frameworks/ that mlcc's own servers have: computed, and checked."""
