"""What the lanes wrote down, as it is kept: stored in bulk, read by officers, and let go of when the law says so."""
