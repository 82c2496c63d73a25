"""The recorder of a process, and what it masks."""

from __future__ import annotations

import secrets
from pathlib import Path

from lgsp.capture.masking import Masking
from lgsp.catalogue.masking import NAME, read_masking
from lgsp.catalogue.service import Catalogue
from lgsp.clock import Clock
from lgsp.settings import Settings, keep_secret, shipped_config
from lgsp.taps.metrics import ProcessMetrics
from lgsp.taps.recorder import Recorder

CAPTURES = "captures"
KEY = "secrets/masking-key"


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
