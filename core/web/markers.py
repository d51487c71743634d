"""Every route says who may call it; one that says nothing is refused, and a test finds it."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Door(StrEnum):
    """How far in a route lies when it needs no permission."""

    PUBLIC = "public"
    """Anybody on the network: pairing, health, static files."""
    PROGRAM = "program"
    """A program that proves itself by what it sends. No cookie counts there, so there is none
    that another site could ride on, and no page whose token it could bring."""
    PAIRED = "paired"
    """A paired device, nobody logged in: the staff list, the PIN."""
    STAFF = "staff"
    """Anybody who is logged in."""


def _mark(value: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        view.permission = value  # type: ignore[attr-defined]
        return view

    return decorate


def permission(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let in who has this permission (core.staff.PERMISSIONS)."""
    return _mark(name)


public = _mark(Door.PUBLIC)
program = _mark(Door.PROGRAM)
paired = _mark(Door.PAIRED)
staff_only = _mark(Door.STAFF)


def permission_of(view: object) -> str | None:
    """Return what a view declared, or None."""
    return getattr(view, "permission", None)
