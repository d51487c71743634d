"""The `dianshu` command; it knows its subcommands by entry point and imports neither side."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

import click

COMMANDS_GROUP = "dianshu.commands"


class CommandsByEntryPoint(click.Group):
    """A command's code is loaded when it is called, and not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted(entry_points(group=COMMANDS_GROUP).names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        for entry in entry_points(group=COMMANDS_GROUP, name=cmd_name):
            return _load(entry)
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        names = self.list_commands(ctx)
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._summary(ctx, name)) for name in names])

    def _summary(self, ctx: click.Context, name: str) -> str:
        try:
            command = self.get_command(ctx, name)
        except ImportError as error:
            # One broken command must not hide the list of the others.
            return f"cannot be loaded: {error}"
        return command.get_short_help_str() if command else ""


def _load(entry: EntryPoint) -> click.Command:
    command = entry.load()
    if not isinstance(command, click.Command):
        raise TypeError(f"{entry.value} is not a click command")
    return command


@click.command(cls=CommandsByEntryPoint)
@click.version_option(package_name="dianshu")
def main() -> None:
    """Run a membership shop: the hub of one store, or its head office."""
    if not __debug__:
        raise click.ClickException("python -O drops the assertions that guard money")
