"""What the numbers mean: rules and alerts for Prometheus, routes for Alertmanager, what a setup lacks.

Everything here is data and pure functions; `config/prometheus/rules` and `config/alertmanager` are made of it.
"""
