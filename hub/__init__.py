"""One store's appliance: the till, its devices, and the store's journal."""
