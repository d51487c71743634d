"""Processes ended at random while tills sell."""
