"""What is plugged into the hub: a Protocol per kind of device, one file per driver."""
