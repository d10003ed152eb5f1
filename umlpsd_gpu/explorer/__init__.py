"""What can be clicked in a report: images, items, their values and their curves."""
