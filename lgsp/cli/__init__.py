"""The command line: noun verb, results on stdout, words on stderr.

Exit codes: 0 ok, 1 finding, 2 usage or configuration, 3 unreachable, 4 inconclusive, 5 internal.
"""

from __future__ import annotations

import os
import sys

import click

from lgsp.cli.bus import bus
from lgsp.cli.call import call
from lgsp.cli.capture import capture
from lgsp.cli.certs import certs
from lgsp.cli.consumers import consumers
from lgsp.cli.diff import diff
from lgsp.cli.doctor import doctor
from lgsp.cli.drill import drill
from lgsp.cli.fault import fault
from lgsp.cli.history import history
from lgsp.cli.init import init
from lgsp.cli.ledger import ledger
from lgsp.cli.load import load
from lgsp.cli.monitoring import monitoring
from lgsp.cli.parked import parked
from lgsp.cli.province import province
from lgsp.cli.record import record
from lgsp.cli.replay import replay
from lgsp.cli.report import report
from lgsp.cli.run import connectors, gateway, up
from lgsp.cli.services import services
from lgsp.cli.stack import stack
from lgsp.cli.tour import take_tour
from lgsp.cli.transaction import transaction
from lgsp.cli.words import language, say, speak, translated
from lgsp.errors import CatalogueError, DeliveryError, LgspError

FINDING, USAGE, UNREACHABLE, INCONCLUSIVE, INTERNAL = 1, 2, 3, 4, 5


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="lgsp")
def lgsp() -> None:
    """An LGSP you can run, watch, and break on purpose.

    Start with `lgsp up`: gateway, connectors and demo traffic in one process, nothing else to install.
    """


for command in (
    up, gateway, connectors, call, services, province, consumers, bus, init, doctor, transaction, ledger, history,
    fault, monitoring, certs, parked, report, capture, record, load, replay, diff, drill, stack, take_tour,
):  # fmt: skip
    lgsp.add_command(command)


def main() -> None:
    """Run the command line; every mistake becomes a sentence and an exit code, never a traceback."""
    speak(language(os.environ))
    try:
        code = lgsp.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.Abort:
        code = 130
    except click.ClickException as error:
        error.show(sys.stderr)
        code = USAGE
    except CatalogueError as error:
        click.echo(translated(str(error)), err=True)
        click.echo(say("{} mistakes in the configuration; nothing was started", len(error.problems)), err=True)
        code = USAGE
    except DeliveryError as error:
        click.echo(f"lgsp: {error}", err=True)
        code = UNREACHABLE
    except LgspError as error:
        click.echo(f"lgsp: {error}", err=True)
        code = USAGE
    except OSError as error:
        click.echo(f"lgsp: {error}", err=True)
        code = UNREACHABLE
    except Exception as error:
        if os.environ.get("LGSP_TRACEBACK"):
            raise
        click.echo(
            f"lgsp: internal error, {type(error).__name__}: {error}; "
            "LGSP_TRACEBACK=1 shows where, please report it with that",
            err=True,
        )
        code = INTERNAL
    sys.exit(code)
