"""A business "no" is an answer, not a crash."""

from __future__ import annotations

from dataclasses import dataclass


class Refused(Exception):
    """The act was understood and is not done; nothing has changed.

    `code` names the reason; `facts` fill the sentence that the user reads. The edge maps the
    code to a status and to translated text, both declared by the slice as a `Refusal`.
    Anything else that is raised is a bug: roll back, log once, answer 500.
    """

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts

    def __str__(self) -> str:
        listed = ", ".join(f"{name}={value!r}" for name, value in self.facts.items())
        return f"{self.code}({listed})"


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a refusal code is told: an HTTP status and a Chinese sentence, the gettext msgid.

    The sentence takes the facts as `%(name)s`; facts whose name ends in `_cents` are shown as
    yuan under the name without that ending.
    """

    status: int
    sentence: str


def N_(sentence: str) -> str:  # noqa: N802 - the name that gettext tools look for
    """Mark a declared sentence for the catalogue; it is translated where it is shown."""
    return sentence
