"""Record with Micro-Manager and send each frame to `umlpsd live` at once.

Needs pycro-manager (pip install pycromanager) and Micro-Manager with its server on: Tools, Options,
"Run server on port 4827". Start `umlpsd live tcp://127.0.0.1:5555 --out study` first, then this:

    python micromanager_live.py 10000
"""

import sys
import time

import numpy as np
from send_frames import send_frames


def record(core, n_frames):
    """Yield the frames of a sequence while the camera records them."""
    core.start_sequence_acquisition(n_frames, 0, True)
    while core.get_remaining_image_count() > 0 or core.is_sequence_running():
        if core.get_remaining_image_count() == 0:
            time.sleep(0.001)
            continue
        image = core.pop_next_tagged_image()
        yield np.reshape(image.pix, (image.tags["Height"], image.tags["Width"]))


def main(n_frames, port=5555):
    """Record and send so many frames."""
    from pycromanager import Core

    core = Core()
    # The camera's own interval, if it tells one, is better than its exposure time
    camera = core.get_camera_device()
    interval_ms = core.get_exposure()
    if core.has_property(camera, "ActualInterval-ms"):
        interval_ms = float(core.get_property(camera, "ActualInterval-ms"))
    pixel_size_um = core.get_pixel_size_um() or None
    name = time.strftime("recording_%Y%m%d_%H%M%S")
    sent = send_frames(record(core, n_frames), port, name, interval_ms / 1e3, pixel_size_um)
    print(f"{sent} frames are kept and analysed")


if __name__ == "__main__":
    main(int(sys.argv[1]))
