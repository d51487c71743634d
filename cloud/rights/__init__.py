"""What stores may do on their own, what it may cost, and what members owe."""

from cloud.rights.tables import PART, CorrectionAsked, CorrectionEnded

__all__ = ["PART", "CorrectionAsked", "CorrectionEnded"]
