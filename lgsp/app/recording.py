"""The recorder of a process, what it masks, and how long its captures stay."""

from __future__ import annotations

import asyncio
import secrets
from itertools import count
from pathlib import Path

import structlog

from lgsp.capture import retention
from lgsp.capture.masking import Masking
from lgsp.catalogue.masking import NAME, read_masking
from lgsp.catalogue.service import Catalogue
from lgsp.clock import Clock
from lgsp.edge.orders import Note
from lgsp.errors import LedgerUnavailable
from lgsp.ledger.events import FILES
from lgsp.settings import Settings, keep_secret, shipped_config
from lgsp.taps.metrics import ProcessMetrics
from lgsp.taps.recorder import Recorder

log = structlog.get_logger()
CAPTURES = "captures"
RETENTION = "retention"
"""Who deletes what has been kept long enough."""
KEY = "secrets/masking-key"
_MINUTE, _MINUTES = 60.0, 60
_DAY = 86_400


def masking_of(config: Path, state: Path) -> Masking:
    """What the configuration masks, by the key of the state directory; one that says nothing masks what the shipped one does.

    Raises `CatalogueError`.
    """
    rules = read_masking(config if (config / NAME).is_file() else shipped_config())
    (state / "secrets").mkdir(mode=0o700, parents=True, exist_ok=True)
    key = keep_secret(state / KEY, lambda: secrets.token_bytes(32))
    return Masking(key, rules.identifiers, keep=rules.keep, fields=rules.fields, headers=rules.headers)


def recorder_of(settings: Settings, catalogue: Catalogue, clock: Clock, process: ProcessMetrics) -> Recorder:
    """The recorder of this process; its ring is always on."""
    mask = masking_of(settings.config, settings.state).record
    return Recorder(clock, catalogue, settings.name, mask, settings.state / CAPTURES, process.not_recorded)


async def keep_to_retention(home: Path, days: int, clock: Clock, note: Note | None) -> None:
    """Delete captures that are `days` old, at once and every hour, until cancelled.

    Every minute `note` is told what was deleted, by us or by a command. Without it, that stays where `retention.DELETED` says.
    """
    for minute in count():
        try:
            if minute % _MINUTES == 0:
                await asyncio.to_thread(_prune, home, days, clock.now())
            if note is not None:
                await _tell(home, note)
        except OSError as error:
            log.warning("captures not kept to their retention", path=str(home), why=error.strerror)
        except LedgerUnavailable as error:
            log.warning("deleted captures not in the ledger yet", path=str(home), why=str(error))
        await clock.sleep(_MINUTE)


def _prune(home: Path, days: int, now: float) -> None:
    if not home.is_dir():
        return
    home.chmod(0o700)
    old = retention.due(retention.stored_in(home), now, days * _DAY)
    for gone in retention.delete(home, old, now, who=RETENTION, why=f"older than {days}d"):
        log.info("capture deleted", capture=gone.capture, files=gone.files, bytes=gone.bytes, retention_days=days)


async def _tell(home: Path, note: Note) -> None:
    for gone in retention.take_notes(home):
        who = RETENTION if gone.who == RETENTION else FILES
        detail = {"at": gone.at, "why": gone.why, "files": gone.files, "bytes": gone.bytes}
        await note(who, "capture.delete", gone.capture, detail)
