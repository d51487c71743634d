"""Taking in what hubs send: kept raw first, then unpacked, projected and reacted to.

A segment is kept with its cursor in the shared database and acknowledged after that commit.
Then the merchant's books are brought up, slice by slice: journal, tables, what head office does
about it, and the documents that follow, in one transaction each. Head office's own streams are
sealed in it, kept beside the hubs' and only then told. Any step may be the last one before a
power cut; the next start goes on from what is committed.
"""

from cloud.ingest.rebuilding import NotEmpty, differences, restore
from cloud.ingest.runtime import run_ingest, serve_hubs

__all__ = ["NotEmpty", "differences", "restore", "run_ingest", "serve_hubs"]
