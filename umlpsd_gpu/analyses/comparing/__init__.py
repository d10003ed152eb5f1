"""Two results side by side: common items, labels, differences with intervals, settings."""
