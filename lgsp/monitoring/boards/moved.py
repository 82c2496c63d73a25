"""The boards of another installation: the committed JSON, asking that installation's series, in its Grafana."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lgsp.monitoring.boards import boards
from lgsp.monitoring.profile import Profile


def moved(board: Mapping[str, Any], profile: Profile, source: str) -> dict[str, Any]:
    """A committed board, as it asks for `profile` through Grafana's data source with the uid `source`.

    A panel or query that somebody changed is left as it is.
    """
    made: dict[str, Any] = json.loads(json.dumps(board))
    theirs = _theirs(str(board["uid"]), profile)
    for panel in made["panels"]:
        for target in panel.get("targets", ()):
            target["expr"] = theirs.get(target["expr"], target["expr"])
    for mark in made["annotations"]["list"]:
        mark["expr"] = theirs.get(mark["expr"], mark["expr"])
    for variable in made["templating"]["list"]:
        match variable["name"]:
            case "datasource":
                variable["current"] |= {"text": source, "value": source}
            case "console":
                variable["query"] = profile.console
                variable["current"] |= {"text": profile.console, "value": profile.console}
            case _:
                asked = variable["query"]["query"]
                variable["query"]["query"] = theirs.get(asked, asked)
    return made


def _theirs(uid: str, profile: Profile) -> dict[str, str]:
    """What each expression of ours is for `profile`."""
    ours = {board.uid: board for board in boards(Profile())}
    other = {board.uid: board for board in boards(profile)}
    if uid not in ours:
        return {}
    return dict(zip(ours[uid].expressions(), other[uid].expressions(), strict=True))
