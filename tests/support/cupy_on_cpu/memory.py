"""The stand-in's device memory: counts the arrays it made, and tests may make an allocation fail.

Results of NumPy's own functions are not counted.
"""

import weakref


class OutOfMemoryError(MemoryError):
    """What CuPy raises when an allocation doesn't fit."""

    __module__ = "cupy.cuda.memory"


class Device:
    """Bytes said to be free, and the largest allocation that works."""

    def __init__(self):
        self.held_bytes = self.most_held_bytes = 0
        self.reset()

    def reset(self):
        self.current = 0
        self.total_bytes = 8 << 30
        self.free_bytes = 6 << 30
        self.largest_allocation = self.limit = None

    def take(self, host):
        """Count an array's memory until the array is gone."""
        n_bytes, sum_bytes = host.nbytes, self.held_bytes + host.nbytes
        too_large = self.largest_allocation is not None and n_bytes > self.largest_allocation
        if too_large or (self.limit is not None and sum_bytes > self.limit):
            raise OutOfMemoryError(f"Out of memory allocating {n_bytes:,} bytes")
        self.held_bytes, self.most_held_bytes = sum_bytes, max(self.most_held_bytes, sum_bytes)
        weakref.finalize(host, self._give_back, n_bytes).atexit = False

    def _give_back(self, n_bytes):
        self.held_bytes -= n_bytes


DEVICE = Device()


class MemoryPool:
    """As CuPy's: what arrays gave back stays with the pool until it is freed."""

    def free_all_blocks(self):
        DEVICE.most_held_bytes = DEVICE.held_bytes

    def used_bytes(self):
        return DEVICE.held_bytes

    def total_bytes(self):
        return DEVICE.most_held_bytes

    def free_bytes(self):
        return 0

    def get_limit(self):
        return DEVICE.limit or 0

    def set_limit(self, size=None):
        DEVICE.limit = size or None


DEFAULT_POOL = MemoryPool()
