"""Devices made of software, which ship so that a shop can be tried without any hardware."""

from hub.simulator.app import NotLoopback, Settings, run_simulator
from hub.simulator.cast import Cast, Login, read_cast, write_cast

__all__ = [
    "Cast",
    "Login",
    "NotLoopback",
    "Settings",
    "read_cast",
    "run_simulator",
    "write_cast",
]
