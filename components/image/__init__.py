"""The image of this program: what pods run that serve, convert or make load."""
