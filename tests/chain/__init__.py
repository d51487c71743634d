"""Two stores and head office as they run: every program real, and any of them ended at will."""
