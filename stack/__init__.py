"""How it comes about: the only place that plans, applies and talks to people."""
