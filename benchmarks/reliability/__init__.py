"""What batches survive: kills, refusing disks, many runners, bad movies; and what they cost."""
