"""Alerts: findings grouped and related, what people do with them, and how they reach a person.

`raising.raise_findings` is the way in, `delivery.Deliverer` the way out; between them stands the control
database, so that neither needs the other to be alive.
"""
