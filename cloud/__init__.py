"""Head office: all branches, the feed, and the members' own page."""
