"""What nobody else has yet, on a second medium: it is there when the first one is lost.

A store that is cut off, or alone, keeps its newest facts on one card. Where a folder on another
medium is named, each sealed segment that head office (or a backup) has not is appended there
and flushed within a second, sealed for the recovery key that opens backups, because people's
names lie in it; once head office or a backup has it, it goes. Whoever brings the store back
hands the folder over.
"""

from core.errors import N_, Refusal
from core.journal import Part
from hub.mirror.keeping import (
    FAILING,
    KEPT,
    MISSING,
    Mirror,
    mirror_folder,
    mirror_told,
    set_mirror_folder,
)
from hub.mirror.options import mirror_option
from hub.mirror.tail_file import read_tails
from hub.mirror.taking import bring_mirrored, take_mirrored

LOCAL = Part(
    name="mirror",
    refusals={
        "mirror_unsealed": Refusal(
            409, N_("先用 recovery-key 做一把恢复密钥：备份盘里有会员资料，必须加密")
        ),
        "mirror_does_not_fit": Refusal(
            409, N_("备份盘里的记录接不上这台主机的记录（%(what)s），没有取回")
        ),
    },
)

__all__ = [
    "FAILING",
    "KEPT",
    "LOCAL",
    "MISSING",
    "Mirror",
    "bring_mirrored",
    "mirror_folder",
    "mirror_option",
    "mirror_told",
    "read_tails",
    "set_mirror_folder",
    "take_mirrored",
]
