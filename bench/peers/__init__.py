"""The candidates as programs, one file each.

Over the bus: `ROLE URL NAME SERVICES DIRECTORY [MODE]`. `answer` serves the services NAME-0, NAME-1 ... until its
input closes; `ask` obeys orders (see `asking`). Each says `ready` once it is up. The payloads lie in DIRECTORY.
"""
