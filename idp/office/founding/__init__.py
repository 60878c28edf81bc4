"""The first run: from nothing to a node that signs, has officers, rules and thresholds, and can be recognised."""
