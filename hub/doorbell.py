"""The bells of a hub's programs; they are the same as head office's."""

from core.doorbell import Doorbell, ring

__all__ = ["Doorbell", "ring"]
