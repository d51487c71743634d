"""Taking in what hubs send: kept raw first, then unpacked, projected and reacted to."""
