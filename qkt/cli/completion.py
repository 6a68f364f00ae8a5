"""`qkt completion`: the script that makes a shell complete the command line."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated

import typer

from qkt.cli.main import COMPLETING
from qkt.cli.main import app as root
from qkt.cli.options import new_app

app = new_app()


class Shell(StrEnum):
    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    POWERSHELL = "powershell"


@app.command()
def completion(shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh, fish or powershell.")]) -> None:
    """Print the script that makes a shell complete commands, options and values. For bash, in ~/.bashrc:

    source <(qkt completion bash)
    """
    os.environ[COMPLETING] = f"source_{shell.value}"  # what the parser itself answers with its script
    typer.main.get_command(root).main([], prog_name="qkt")
