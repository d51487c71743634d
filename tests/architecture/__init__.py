"""The shape of the project, measured."""
