"""The stand-in's device memory: no bookkeeping, but tests may make an allocation fail."""


class OutOfMemoryError(MemoryError):
    """What CuPy raises when an allocation doesn't fit."""


class Device:
    """Bytes said to be free, and the largest allocation that works."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.total_bytes = 8 << 30
        self.free_bytes = 6 << 30
        self.largest_allocation = None

    def take(self, n_bytes):
        if self.largest_allocation is not None and n_bytes > self.largest_allocation:
            raise OutOfMemoryError(f"Out of memory allocating {n_bytes:,} bytes")


DEVICE = Device()


class MemoryPool:
    def free_all_blocks(self):
        pass

    def used_bytes(self):
        return 0

    def total_bytes(self):
        return 0

    def free_bytes(self):
        return 0


DEFAULT_POOL = MemoryPool()
