"""Who may answer for which service: a connectors process that was taken over speaks for its own services alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from lgsp.bus.message import Message


class Answerers:
    """The broker users of connectors processes, each with its services; none of these stands for every service.

    Where no user is named, what a reply says of its service has to be right, and is believed.
    """

    def __init__(self, named: Mapping[str, Collection[str]]) -> None:
        self._named = {user: frozenset(services) for user, services in named.items()}

    def may(self, service: str, message: Message) -> bool:
        """Whether this reply may answer a request to the service. Its user was checked by the broker, if it has one."""
        if message.app_id not in ("", service):
            return False
        if not self._named:
            return True
        services = self._named.get(message.user)
        return services is not None and (not services or service in services)
