"""Devices made of software, which ship so that a shop can be tried without any hardware."""

from hub.simulator.app import NotLoopback, run_simulator
from hub.simulator.cast import Cast, Login, read_cast, write_cast
from hub.simulator.line import LineState, Route
from hub.simulator.stage import (
    Branch,
    HeadOffice,
    Stage,
    branch_prefix,
    read_stage,
    write_stage,
)

__all__ = [
    "Branch",
    "Cast",
    "HeadOffice",
    "LineState",
    "Login",
    "NotLoopback",
    "Route",
    "Stage",
    "branch_prefix",
    "read_cast",
    "read_stage",
    "run_simulator",
    "write_cast",
    "write_stage",
]
