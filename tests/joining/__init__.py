"""Boxes and head office, joined by the commands that a person types."""
