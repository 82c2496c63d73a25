"""An LGSP you can run, watch, and break on purpose.

Consumers send requests through the dispatcher over a bus to connectors; taps and the ledger note each transaction;
people look in at the edge. `docs/architecture.md` draws it.
"""

from lgsp.errors import MalformedRequest
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.connector import Connector, Kept, State

__all__ = ["Connector", "Kept", "MalformedRequest", "Outcome", "Reply", "Request", "State"]
