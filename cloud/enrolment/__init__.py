"""Where a hub that has no certificate comes to: with a code, or with one that has ended."""

from cloud.enrolment.guesses import GUESSES_MAX, WINDOW_MS, Guesses
from cloud.enrolment.views import REFUSALS, pages
from core.journal import Part
from core.web import Capability

__all__ = ["CAPABILITY", "GUESSES_MAX", "WINDOW_MS", "Guesses"]

CAPABILITY = Capability(
    name="enrolment",
    parts=(Part(name="enrolment", refusals=REFUSALS),),
    blueprints=(pages,),
)
