"""`dianshu demo`: a shop with a past on this machine, without hardware and without internet.

One parent seeds the shop once, runs its programs, shows where they are and who may log in, and
ends them all. The folder keeps what was done until `--reset`.
"""

from hub.demo.command import demo

__all__ = ["demo"]
