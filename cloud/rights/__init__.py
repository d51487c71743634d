"""What stores may do on their own, what it may cost, and what members owe."""

from cloud.rights.tables import PART, CorrectionAsked, CorrectionEnded
from core.web import Capability

__all__ = ["CAPABILITY", "PART", "CorrectionAsked", "CorrectionEnded"]

CAPABILITY = Capability(name="rights", parts=(PART,))
