"""Where joined hubs fetch what is too long for the broker, each known by its certificate."""

from cloud.gate.app import BATCH_DOCUMENTS_MAX, make_gate_app
from cloud.gate.serving import serve_gate

__all__ = ["BATCH_DOCUMENTS_MAX", "make_gate_app", "serve_gate"]
