"""The appliance: units, users, boot files and the role that installs them."""
