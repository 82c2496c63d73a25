"""Two captures held against each other: which records belong together, what in them differs, in how many of them.

records --pairing--> pairs --view, comparing--> differences --groups--> a finding for each operation, place and kind
"""
