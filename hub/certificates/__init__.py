"""HTTPS in the store without the internet: the hub is its own certificate authority.

The root is made on first boot and is worth little to a thief: its name constraints let it
vouch only for `.local`, this hub's own name and private addresses, so a tablet that trusts it
cannot be shown a false bank. What the hub serves with is a leaf of 397 days, made again when
its end is near or the machine's addresses changed; tablets notice nothing of that.
"""

from __future__ import annotations

from hub.certificates.machine import host_names, local_addresses
from hub.certificates.renewal import Certificates, ensure

__all__ = ["Certificates", "ensure", "host_names", "local_addresses"]
