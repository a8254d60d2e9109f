"""The ``marketlab`` command: one file a command, the shared parts in :mod:`options` and :mod:`output`."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import click

from marketlab import __version__, failpoints
from marketlab.cli.output import fail
from marketlab.errors import MarketlabError
from marketlab.settings import load_settings

__all__ = ["cli", "main"]

#: name → what it does. The module of the same name holds the command; it is imported when it is called, for a start
#: that imports everything takes a second longer.
COMMANDS = {
    "up": "Run the whole pipeline until Ctrl-C.",
    "produce": "Send ticks from a source to the log.",
    "consume": "Read the log, analyse, store.",
    "broker": "The managed Kafka broker: start, stop, status, logs.",
    "topic": "Create and describe the topic.",
    "record": "Copy the topic to a tape.",
    "books": "The account of every tick; exit 1 when it does not balance.",
    "digest": "One number for a whole run.",
    "explain": "Why did this alert fire?",
    "dead-letters": "Messages that were refused: list, show, export, repair, send again.",
    "backup": "A verified copy of the database, while everything runs.",
    "prune": "Remove old runs; their accounts stay.",
    "serve": "The API and the dashboard.",
    "token": "Make a secret for writing to the API.",
    "plot": "Price and average of a symbol, in a window or as a PNG.",
    "lab": "JupyterLab on the milestone notebooks.",
    "notebooks": "The notebooks as a batch: run them, mark what learners hand in.",
    "chaos": "Kill, stop, starve and restart everything, and prove that nothing is lost.",
    "doctor": "What is installed, reachable, free and wrong, with the mend.",
    "settings": "List every setting, its value and its meaning.",
}


class _Commands(click.Group):
    """Commands that are imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order in which people meet them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """One command, by its module."""
        del ctx
        if name not in COMMANDS:
            return None
        module = import_module(f"marketlab.cli.{name.replace('-', '_')}")
        command: click.Command = getattr(module, name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in ``--help``, without importing any of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="marketlab")
@click.option("--home", type=click.Path(path_type=Path), help="Folder of the lab's state (MARKETLAB_HOME).")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def cli(ctx: click.Context, home: Path | None, debug: bool) -> None:
    """A streaming-pipeline lab: real Kafka, balanced books, live notebooks.

    Start with `marketlab up`. Every setting can be given as a MARKETLAB_* variable or in marketlab.toml;
    `marketlab settings` lists them.
    """
    ctx.meta["marketlab.debug"] = debug
    ctx.obj = load_settings(home=home)
    failpoints.arm(ctx.obj.failpoint)


def main() -> None:
    """Run the command and leave with its exit code: 0 done, 1 a check failed, 2 wrong use, 3 the world failed."""
    try:
        code = cli.main(prog_name="marketlab", standalone_mode=False)
    except click.UsageError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:  # `marketlab books | head`
        sys.stderr.close()
        sys.exit(0)
    except (MarketlabError, OSError) as error:
        if "--debug" in sys.argv[1:]:
            raise
        worded = error if isinstance(error, MarketlabError) else _worded(error)
        fail(worded)
        sys.exit(worded.exit_code)
    sys.exit(code if isinstance(code, int) else 0)


def _worded(error: OSError) -> MarketlabError:
    """What the system has refused and no room has put into words: as a rule a home that cannot be written."""
    found = error.strerror or str(error)
    return MarketlabError(
        found if error.filename is None else f"{error.filename} cannot be used: {found}",
        mend="Make it writable or make room, or name another home (MARKETLAB_HOME); --debug shows where it happened.",
    )
