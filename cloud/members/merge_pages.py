"""Duplicates looked at side by side, merged, taken apart again; cards lost and found."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request, url_for

from cloud.members import merging, sql
from core.members import leave_family, report_found, report_lost
from core.web import fresh_read, go, permission, show, write

pages = Blueprint("merging", __name__, template_folder="templates", url_prefix="/members")


@pages.get("/merge")
@permission("member.merge")
def look() -> Any:
    """Show two people side by side, and what a merge would make of them."""
    loser, winner = request.args.get("loser", ""), request.args.get("winner", "")
    with fresh_read() as db:
        return show(
            "members/merge.html",
            "members/_merge.html",
            seen=merging.preview(db, loser=loser, winner=winner),
        )


@pages.post("/merge")
@permission("member.merge")
def merge() -> Any:
    asked = request.form
    write(
        lambda tx, act: merging.merge(
            tx, act, loser=asked.get("loser", ""), winner=asked.get("winner", "")
        )
    )
    return go(url_for("members.profile", member_id=asked["winner"], done="merged"))


@pages.get("/merges")
@permission("member.find")
def listed() -> Any:
    with fresh_read() as db:
        merged = sql.merges(db)
        return show("members/merges.html", "members/_merges.html", merged=merged)


@pages.post("/<member_id>/unmerge")
@permission("member.merge")
def unmerge(member_id: str) -> Any:
    write(lambda tx, act: merging.unmerge(tx, act, member=member_id))
    return go(url_for("members.profile", member_id=member_id, done="unmerged"))


@pages.post("/<member_id>/cards/<card>/lost")
@permission("card.issue")
def lose(member_id: str, card: str) -> Any:
    write(lambda tx, act: report_lost(tx, act, card=card))
    return go(url_for("members.profile", member_id=member_id, done="lost"))


@pages.post("/<member_id>/cards/<card>/found")
@permission("card.unblock")
def find(member_id: str, card: str) -> Any:
    write(lambda tx, act: report_found(tx, act, card=card))
    return go(url_for("members.profile", member_id=member_id, done="found"))


@pages.post("/<member_id>/family/leave")
@permission("card.issue")
def leave(member_id: str) -> Any:
    relative = request.form.get("relative", "")
    write(lambda tx, act: leave_family(tx, act, member=relative))
    return go(url_for("members.profile", member_id=member_id, done="left"))
