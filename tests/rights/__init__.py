"""What stores may do on their own: real boxes and a real head office, without a line between."""
