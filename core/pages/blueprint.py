"""Carries the shared templates; it has no address of its own."""

from flask import Blueprint

SHARED = Blueprint("pages", __name__, template_folder="templates")
