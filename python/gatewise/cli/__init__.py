"""The ``gatewise`` command."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import Any

INTERRUPTED = 130  # 128 + SIGINT, the exit code that shells report for a program ended by Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line (default: ``sys.argv``) and return its exit code.

    0 means success, 1 that a library is missing or the operating system refused, 2 that the input is wrong, and 130
    that the user interrupted the program. Every failure prints one line to stderr.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # names of columns may have characters that the terminal lacks
    try:
        return _run(sys.argv[1:] if arguments is None else list(arguments))
    except KeyboardInterrupt:
        print("\ngatewise: interrupted", file=sys.stderr)
        return INTERRUPTED


def _run(arguments: list[str]) -> int:
    from ..files.errors import InputError
    from ..files.libraries import MissingLibrary, library

    try:
        typer = library("typer", "cli")
        from .app import app

        try:
            code = app(args=arguments, prog_name="gatewise", standalone_mode=False)
            sys.stdout.flush()
        except typer.Abort:  # older versions of typer raise this on Ctrl-C, newer ones return the exit code
            code = INTERRUPTED
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        return int(code or 0)
    except InputError as error:
        return _fail(str(error), 2)
    except MissingLibrary as error:
        return _fail(str(error), 1)
    except BrokenPipeError:
        # The reader of our output has closed the pipe; flushing the rest at exit must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _fail(f"{error.filename or 'output'}: {error.strerror or error}", 1)
    except MemoryError as error:
        return _fail(f"not enough memory: {error}" if str(error) else "not enough memory", 1)
    except Exception as error:
        # Usage errors are click's. Newer versions of typer contain click, older ones import it.
        if not hasattr(error, "format_message"):
            raise
        return _fail(_usage(error), 2)


def _usage(error: Any) -> str:
    """Return click's message, with the value that was given or, for an unknown command, the commands there are."""
    message: str = error.format_message().replace("Value error, ", "").removesuffix(".")
    if message.startswith("No such command"):
        commands = ", ".join(error.ctx.command.commands)
        return (
            f"{message} The commands are {commands}"
            if message.endswith("?")
            else f"{message}; expected one of {commands}"
        )
    # Newer versions of typer check with pydantic, whose message omits the value.
    given = [one["input"] for one in getattr(error.__cause__, "errors", list)()]
    return message + "".join(f", got {value!r}" for value in given if repr(value) not in message)


def _fail(message: str, code: int) -> int:
    print(f"gatewise: {' '.join(message.split())}", file=sys.stderr)
    return code
