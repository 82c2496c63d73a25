"""The one synthetic province that all connectors share: everything follows from identifiers.

The citizen of one service is so the same person in the next. No person in it exists.
"""
