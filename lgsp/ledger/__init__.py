"""What happened: the account of all transactions."""
