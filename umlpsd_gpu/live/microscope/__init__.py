"""A microscope that records a finished movie once more, for trying a live run."""
