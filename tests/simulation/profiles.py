"""The ways in which a world breaks, by name."""

from __future__ import annotations

from dataclasses import replace

from tests.simulation.history import PROFILES as MODEL
from tests.simulation.town import TownProfile

WIRE = TownProfile(name="wire", loss=0.15, twice=0.15, late=0.25, cut=0.05)
DEATHS = TownProfile(
    name="deaths", crash=0.01, crash_commit=0.01, pause=0.06, loss=0.03, twice=0.05
)
PARTITIONS = TownProfile(
    name="partitions", cut=0.25, half_open=0.12, wipe=0.06, twice=0.05, late=0.1
)
CLOCKS = TownProfile(
    name="clocks", clock=0.25, pause=0.05, cut=0.08, loss=0.05, alarms=frozenset({"clock"})
)
FULL_DISKS = TownProfile(name="full disks", full=0.15, pause=0.04, cut=0.05, loss=0.05)
VERSIONS = TownProfile(name="versions", unknown=0.5, pause=0.04, cut=0.06, loss=0.05)
EVERYTHING = TownProfile(
    name="everything",
    loss=0.06,
    twice=0.08,
    late=0.12,
    cut=0.08,
    half_open=0.04,
    wipe=0.02,
    crash=0.004,
    crash_commit=0.004,
    pause=0.03,
    clock=0.05,
    full=0.03,
    unknown=0.1,
    alarms=frozenset({"clock"}),
)
PEOPLE = TownProfile(
    name="people",
    family=0.12,
    merge=0.08,
    loss=0.05,
    twice=0.05,
    late=0.1,
    cut=0.1,
    pause=0.03,
    crash_commit=0.003,
)
DEALINGS = replace(EVERYTHING, name="dealings", actions=110, deal=0.6, clock=0.015)
FOUND = frozenset({"forked", "boot_back", "lost_tail", "revoked"})
"""What head office notices of boxes that forget or are two."""
AMNESIA = TownProfile(
    name="amnesia", amnesia=0.06, cut=0.1, pause=0.03, loss=0.03, late=0.05, alarms=FOUND
)
LOST = TownProfile(name="lost boxes", dead=0.04, cut=0.12, pause=0.03, loss=0.03, alarms=FOUND)
CLONES = TownProfile(name="clones", clone=0.05, cut=0.1, pause=0.02, loss=0.03, alarms=FOUND)
RESTORES = TownProfile(
    name="restores",
    restore=0.04,
    cut=0.1,
    pause=0.02,
    loss=0.03,
    late=0.05,
    alarms=FOUND | {"downlink_ahead", "other_epoch"},
)
ROLLBACKS = TownProfile(
    name="rollbacks",
    rollback=0.04,
    cut=0.1,
    pause=0.02,
    loss=0.03,
    late=0.05,
    alarms=FOUND | {"downlink_ahead", "other_epoch", "rolled_back"},
)
WORST = TownProfile(
    name="worst",
    amnesia=0.02,
    dead=0.015,
    clone=0.02,
    restore=0.015,
    cut=0.08,
    half_open=0.02,
    pause=0.03,
    crash_commit=0.003,
    loss=0.04,
    twice=0.04,
    late=0.05,
    full=0.01,
    tray=True,
    alarms=FOUND
    | {"downlink_ahead", "other_epoch", "epoch_ahead", "set_aside", "clock", "rolled_back"},
)
DESTRUCTIVE = (AMNESIA, LOST, CLONES, RESTORES, ROLLBACKS, WORST)
REAL = (WIRE, DEATHS, PARTITIONS, CLOCKS, FULL_DISKS, VERSIONS, PEOPLE, EVERYTHING, DEALINGS)
BY_NAME = {profile.name: profile for profile in (*MODEL, *REAL, *DESTRUCTIVE)}
