"""What can be said: the spec, its text, its layers and its rules.

Reads nothing but files; knows neither Pulumi nor components.
"""
