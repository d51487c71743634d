"""The torture bench: crash images, kills at every operation of the disk, and broken disks."""
