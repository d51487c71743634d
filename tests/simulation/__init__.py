"""A seeded world of hubs and one head office, in memory, that breaks on purpose."""
