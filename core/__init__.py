"""What hub and cloud must agree on; imports neither."""
