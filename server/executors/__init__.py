"""Who computes what is heavy: this thread, processes beside it, or the workers of a cluster."""
