"""Stop an acquisition as soon as `umlpsd live` says that the data are enough.

python stop_when_enough.py study/live.jsonl            # prints what it would do
python stop_when_enough.py study/live.jsonl --pid 4711 # sends Ctrl-C to the acquisition
"""

import argparse
import json
import os
import signal
import time
from pathlib import Path


def follow(path, pause_s=0.5):
    """Yield the lines of live.jsonl as plain values, those to come included, until the run ends."""
    while not Path(path).exists():
        time.sleep(pause_s)
    with open(path, encoding="ascii") as file:
        line = ""
        while True:
            line += file.readline()
            if not line.endswith("\n"):  # the rest is being written
                time.sleep(pause_s)
                continue
            update, line = json.loads(line), ""
            yield update
            if update["state"] in ("finished", "failed"):
                return


def wait_until_enough(path):
    """Return the update that says "enough data", or None if the run ended before."""
    for update in follow(path):
        for alarm in update["alarms"]:
            print(f"alarm ({alarm['kind']}): {alarm['text']}")
        if update["hint"].startswith("enough data"):
            return update
    return None


def main():
    """Wait, then stop the acquisition."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("log", type=Path)
    parser.add_argument("--pid", type=int, help="process of the acquisition program")
    arguments = parser.parse_args()
    update = wait_until_enough(arguments.log)
    if update is None:
        print("the run has ended without enough data")
        return
    print(f"frame {update['n_frames']}: {update['hint']}")
    # put the command of your camera software here
    if arguments.pid:
        os.kill(arguments.pid, signal.SIGINT)


if __name__ == "__main__":
    main()
