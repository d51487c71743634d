from cloud.access.tests.conftest import furnished_office, office

__all__ = ["furnished_office", "office"]
