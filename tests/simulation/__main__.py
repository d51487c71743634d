"""Live one history again: `python -m tests.simulation PROFILE SEED`."""

from __future__ import annotations

import sys

from tests.simulation.history import PROFILES, History


def main() -> None:
    name, seed = sys.argv[1], int(sys.argv[2])
    profile = next(profile for profile in PROFILES if profile.name == name)
    history = History(profile, seed)
    print(f"{history.live()} steps, {dict(history.world.happened)}: all adds up")


if __name__ == "__main__":
    main()
