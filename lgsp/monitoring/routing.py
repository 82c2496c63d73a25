"""Where alerts go: routes, what holds back what, receivers with their secrets in files, for Alertmanager."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lgsp.monitoring.profile import Profile

OURS = 'alertname=~"LGSP.+"'
HELD_BACK = 'alertname=~"LGSPErrorBudget.+|LGSPServiceDown"'
"""What a trouble of the whole bus explains."""


@dataclass(frozen=True, slots=True)
class Receivers:
    """Who is told; whoever is left empty is not. Secrets lie in files of the machine that Alertmanager runs on."""

    webhook: str = "http://127.0.0.1:9099/alerts"
    webhook_token: str = "/secrets/alert-webhook-token"  # noqa: S105 - a path
    watchdog: str = "http://127.0.0.1:9099/watchdog"
    mail_to: str = "oncall@lgsp.example"
    mail_from: str = "alertmanager@lgsp.example"
    mail_host: str = "mail.lgsp.example:587"
    mail_user: str = "alertmanager"
    mail_password: str = "/secrets/alert-mail-password"  # noqa: S105 - a path


NOBODY = Receivers(webhook="", watchdog="", mail_to="")
"""Alerts are looked at in Alertmanager itself, as on somebody's own machine."""


def alertmanager(profile: Profile, receivers: Receivers) -> dict[str, Any]:
    """A whole configuration for an Alertmanager of our own."""
    mail = {
        "smtp_smarthost": receivers.mail_host,
        "smtp_from": receivers.mail_from,
        "smtp_auth_username": receivers.mail_user,
        "smtp_auth_password_file": receivers.mail_password,
    }
    told_by = {"global": mail} if receivers.mail_to else {}
    root = {"receiver": "lgsp-ticket", "group_by": ["alertname", "tier"], "routes": [route(profile)]}
    return {**told_by, "route": root, "inhibit_rules": inhibitions(profile), "receivers": told(receivers)}


def route(profile: Profile) -> dict[str, Any]:
    """The branch of ours, to stand among somebody else's routes too."""
    severity = profile.severities
    return {
        "receiver": "lgsp-ticket",
        "matchers": [OURS, *_environment(profile)],
        "group_by": ["alertname", "tier"],
        "group_wait": profile.span(30),
        "group_interval": profile.span(300),
        "repeat_interval": profile.span(4 * 3_600),
        "routes": [
            {
                "receiver": "lgsp-watchdog",
                "matchers": ['alertname="LGSPWatchdog"'],
                "group_wait": "0s",
                "group_interval": profile.span(60),
                "repeat_interval": profile.span(60),
            },
            {"receiver": "lgsp-page", "matchers": [f'severity="{severity["page"]}"']},
        ],
    }


def inhibitions(profile: Profile) -> list[dict[str, Any]]:
    """A trouble of the whole bus holds back the pages of single services; a page holds back the ticket of its service.

    `service=~".+"` in the second: without the label any page would equal any ticket that has none either.
    """
    severity, environment = profile.severities, _environment(profile)
    return [
        {
            "source_matchers": ['alertname="LGSPBusWideDegradation"', *environment],
            "target_matchers": [HELD_BACK, *environment],
            "equal": sorted(profile.labels),
        },
        {
            "source_matchers": [OURS, f'severity="{severity["page"]}"', 'service=~".+"', *environment],
            "target_matchers": [OURS, f'severity="{severity["ticket"]}"', 'service=~".+"', *environment],
            "equal": ["service", *sorted(profile.labels)],
        },
    ]


def told(receivers: Receivers) -> list[dict[str, Any]]:
    """A page goes to the webhook and by mail, a ticket by mail, the watchdog to whoever cries when it stops."""
    bearer = {"authorization": {"type": "Bearer", "credentials_file": receivers.webhook_token}}
    mail = {
        "to": receivers.mail_to,
        "send_resolved": True,
        "headers": {"Subject": "[{{ .Status }}] {{ .CommonLabels.alertname }} {{ .CommonLabels.service }}"},
    }
    by_mail = {"email_configs": [mail]} if receivers.mail_to else {}
    page = {"url": receivers.webhook, "send_resolved": True, "http_config": bearer}
    watchdog = {"url": receivers.watchdog, "send_resolved": False, "http_config": bearer}
    return [
        {"name": "lgsp-page", **({"webhook_configs": [page]} if receivers.webhook else {}), **by_mail},
        {"name": "lgsp-ticket", **by_mail},
        {"name": "lgsp-watchdog", **({"webhook_configs": [watchdog]} if receivers.watchdog else {})},
    ]


def _environment(profile: Profile) -> list[str]:
    return [f'{label}="{value}"' for label, value in sorted(profile.labels.items())]
