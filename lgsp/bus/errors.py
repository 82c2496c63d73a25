"""What aio-pika and aiormq raise, in our words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from aio_pika.exceptions import AMQPError, ChannelInvalidStateError, DeliveryError, PublishError

from lgsp.errors import BusUnavailable, Unroutable

T = TypeVar("T")

GONE = (AMQPError, ChannelInvalidStateError, ConnectionError, OSError, RuntimeError)
"""What they raise when the connection or channel under a call is not there."""


async def in_our_words(publish: Awaitable[T], what: str) -> T:
    """Await a publish; what is raised becomes `Unroutable` or `BusUnavailable` with its reason.

    A cancellation that nobody asked for can come when the connection dies under a publish: then the broker may or may
    not have the message.
    """
    try:
        return await publish
    except PublishError as error:
        raise Unroutable("unroutable", f"nobody serves {what}") from error
    except DeliveryError as error:
        raise BusUnavailable("overloaded", f"the broker refused a message for {what}: queue full") from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise BusUnavailable("unconfirmed", f"the connection was lost while publishing to {what}") from error
    except TimeoutError as error:
        raise BusUnavailable("unconfirmed", f"the broker did not confirm a message for {what} in time") from error
    except GONE as error:
        raise BusUnavailable("bus_unavailable", f"no connection to the broker for {what}") from error
