"""One module a kind of cluster: which components a spec becomes there."""
