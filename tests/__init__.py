"""What no slice owns: architecture, contracts, journeys, benches."""
