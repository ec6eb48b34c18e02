"""Software installed on a cluster."""
