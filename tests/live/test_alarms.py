"""Alarms are raised when something is wrong, and not otherwise."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from tests.support.movies import array_movie
from umlpsd_gpu.live.alarms import Alarms, find_missing_frames
from umlpsd_gpu.live.samples import BoundedSamples
from umlpsd_gpu.live.settings import LiveSettings
from umlpsd_gpu.movie.metadata import choose_interval
from umlpsd_gpu.simulate.movie import simulate_movie
from umlpsd_gpu.traces.frame_sums import RunningSums
from umlpsd_gpu.traces.photometry import Photometry
from umlpsd_gpu.traces.settings import TracesSettings

N, HALF = 960, 480
LIVE = LiveSettings(first_frames=200)
SMALL = {"n_emitters": 10, "n_rows": 64, "n_cols": 64, "n_frames": N}


def simulated(folder, **recipe):
    truth = simulate_movie(folder / "movie.tif", overwrite=True, **(SMALL | recipe))
    return tifffile.imread(truth.path), truth


def alarms_of(frames, truth, settings=None):
    """Return the alarms at the end, by kind, and the kinds that were ever raised."""
    settings = settings or TracesSettings()
    movie = array_movie(frames)
    sums = RunningSums(frames.shape[1:], frames.dtype)
    alarms = Alarms(settings, LIVE, sums)
    spots = np.stack([truth.rows, truth.cols], axis=1)
    photometry = Photometry(frames.shape[1:], spots, spots, settings)
    samples = BoundedSamples(len(spots), LIVE.max_samples, np.dtype(np.float64))
    ever, held = set(), ()
    for first in range(0, len(frames), 96):
        part = frames[first : first + 96]
        sums.add(part)
        samples.add(photometry.measure(part))
        alarms.add_segments(sums.take_segments())
        held = alarms.holding(movie, samples, sums.mean())
        ever |= {alarm.kind for alarm in held}
    return {alarm.kind: alarm for alarm in held}, ever


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    return simulated(tmp_path_factory.mktemp("quiet"), seed=50)


def test_quiet_recordings_raise_none(tmp_path):
    smaller = {"n_emitters": 6, "n_rows": 48, "n_cols": 48, "n_frames": 672}
    raised = {s: alarms_of(*simulated(tmp_path, seed=s, **smaller))[1] for s in range(20)}
    assert not any(raised.values()), raised


def test_drift(tmp_path):
    held, _ = alarms_of(*simulated(tmp_path, seed=50, drift_px=3.0))
    assert set(held) == {"drift"}  # the signal that is lost is not called bleaching
    assert "has moved: it is 2." in held["drift"].text
    assert 200 < held["drift"].since_frame < 600  # 1 px of 3 px
    _, ever = alarms_of(*simulated(tmp_path, seed=50, drift_px=0.7))
    assert "drift" not in ever


def test_a_jump_and_back(quiet):
    frames, truth = quiet
    jumped = np.concatenate([frames[:HALF], np.roll(frames[HALF:], (4, -3), axis=(1, 2))])
    held, _ = alarms_of(jumped, truth)
    assert "5.0 px away from its first place (rows +4.0, columns -3.0 px)" in held["drift"].text
    assert abs(held["drift"].since_frame - HALF) <= 200
    back = np.concatenate([jumped[:800], frames[:HALF]])
    held, ever = alarms_of(back, truth)
    assert "drift" in ever
    assert "drift" not in held


def test_focus_loss(quiet, tmp_path):
    frames, truth = quiet
    blurred, _ = simulated(tmp_path, seed=50, psf_sigma_px=3.0)
    held, _ = alarms_of(np.concatenate([frames[:HALF], blurred[HALF:]]), truth)
    assert "further blur of" in held["focus"].text
    blur_px = float(held["focus"].text.partition("further blur of ")[2].partition(" px")[0])
    assert blur_px == pytest.approx(np.sqrt(3.0**2 - 1.3**2), abs=0.9)
    assert HALF <= held["focus"].since_frame + 96 <= HALF + 400


@pytest.mark.parametrize("factor", [0.4, 2.5])
def test_focus_is_not_lost_with_brightness(quiet, factor):
    frames, truth = quiet
    level = np.ones(N)
    level[HALF:] = factor
    scaled = 110 + (frames - 110.0) * level[:, None, None]
    _, ever = alarms_of(scaled.astype(np.float32), truth)
    assert "focus" not in ever
    assert ("bleaching" in ever) == (factor < 0.5)


def test_bleaching(quiet):
    frames, truth = quiet
    fading = 110 + (frames - 110.0) * np.exp(-np.arange(N) / 300)[:, None, None]
    held, _ = alarms_of(fading.astype(np.float32), truth)
    assert set(held) == {"bleaching"}
    assert "of 10 traces has fallen to " in held["bleaching"].text
    assert "counts per frame" in held["bleaching"].text


def test_drift_and_focus_of_extended_objects(tmp_path):
    rng = np.random.default_rng(5)
    scene = ndimage.gaussian_filter(rng.normal(size=(80, 80)), 2.0)
    scene = 300.0 * (scene > 0) + 100
    noise = rng.normal(0, 20, (N, 64, 64))

    def movie(second_half):
        images = np.stack([scene[8:72, 8:72], second_half[8:72, 8:72]])
        return (images[(np.arange(N) >= HALF).astype(int)] + noise).astype(np.float32)

    class Nowhere:
        rows = cols = np.array([20.0, 30.0])

    settings = TracesSettings(mode="pixels")
    moved = alarms_of(movie(np.roll(scene, 3, axis=0)), Nowhere, settings)[0]
    assert "3.0 px away" in moved["drift"].text
    blurred = alarms_of(movie(ndimage.gaussian_filter(scene, 3.0)), Nowhere, settings)[0]
    assert "focus" in blurred
    assert alarms_of(movie(scene), Nowhere, settings)[1] == set()


def test_missing_frames():
    movie = array_movie(np.zeros((60, 4, 4), np.uint16))
    stamps = 0.03 * np.arange(60)
    assert find_missing_frames(replace(movie, notes=_notes_of(stamps))) is None
    stamps[40:] += 0.15
    alarm = find_missing_frames(replace(movie, notes=("Another note.", *_notes_of(stamps))))
    assert alarm.kind == "frames"
    assert "5 frames are missing in 1 gap (after frame 39" in alarm.text


def _notes_of(stamps):
    return choose_interval(None, [("OME DeltaT", stamps)], [], None).notes
