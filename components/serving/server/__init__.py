"""The embedded OpenVINO server: a program of its own that starts fast; knows neither Pulumi nor the command line."""
