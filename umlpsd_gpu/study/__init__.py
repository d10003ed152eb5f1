"""The workflow that chains the rooms, and its result; owns no mathematics of its own."""
