"""Devices made of software, which ship so that a shop can be tried without any hardware."""
