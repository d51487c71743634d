"""A shop for the tests of pages, and what holds for all pages."""
