"""Results on disk: a folder that is written atomically, and the formats in it."""
