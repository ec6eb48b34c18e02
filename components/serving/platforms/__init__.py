"""What serves a model, one module a platform: how it is started as a process here, or deployed on a cluster."""
