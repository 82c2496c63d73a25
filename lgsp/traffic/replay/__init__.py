"""A capture asked again: which calls go and when, what of them is put in anew, and whether what they set off is what was expected.

records --plan--> calls --bind, sign--> as they go out
"""
