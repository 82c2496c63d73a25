"""How it moves: requests to servers, replies back."""
