"""`python -m lgsp`: the command line."""

from lgsp.cli import main

main()
