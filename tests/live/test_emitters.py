"""Names of emitters: given once, for ever."""

import json

import numpy as np

from tests.support.movies import array_movie
from umlpsd_gpu.live.detection import next_detection, part_to_search
from umlpsd_gpu.live.emitters import Emitters, Spots
from umlpsd_gpu.live.settings import LiveSettings


def spots(*places):
    return Spots(np.array(places, float).reshape(-1, 2), np.array([[1.0, 2.0]]))


def test_names_stay_when_places_move_a_little_and_new_ones_follow():
    emitters = Emitters("a.tif", nearest_px=5.0)
    first = emitters.add(spots((10, 10), (30, 30)), 100)
    assert first.ids == ("a.tif:0", "a.tif:1")
    second = emitters.add(spots((5, 40), (10.4, 9.8), (30, 30)), 200)
    assert second.ids == ("a.tif:2",)
    np.testing.assert_array_equal(emitters.places, [[10, 10], [30, 30], [5, 40]])
    # its ring avoids the others
    assert {(10.4, 9.8), (10.0, 10.0), (1.0, 2.0)} <= set(map(tuple, second.spots.others))


def test_an_emitter_that_is_not_found_again_keeps_its_name_and_is_told():
    emitters = Emitters("a.tif", nearest_px=5.0)
    emitters.add(spots((10, 10), (30, 30)), 100)
    assert emitters.add(spots((30, 30)), 200) is None
    assert emitters.lost == ("a.tif:0",)
    assert emitters.ids == ("a.tif:0", "a.tif:1")
    emitters.add(spots((10, 10)), 400)
    assert emitters.lost == ("a.tif:1",)
    emitters.add(spots(), 800)
    assert emitters.lost == ("a.tif:0", "a.tif:1")


def test_plain_values_restore_every_bit():
    emitters = Emitters("a.tif", nearest_px=5.0)
    emitters.add(spots(*np.random.default_rng(0).uniform(0, 1000, (20, 2)).tolist()), 300)
    emitters.add(spots((1e-3 / 7, 2000.1)), 600)
    restored = Emitters("a.tif", nearest_px=5.0)
    restored.restore(json.loads(json.dumps(emitters.to_plain())))
    np.testing.assert_array_equal(restored.places, emitters.places)
    assert restored.ids == emitters.ids
    assert (restored.lost, restored.detected_at) == (emitters.lost, 600)
    assert [g.found_at for g in restored.groups] == [300, 600]
    for one, other in zip(restored.groups, emitters.groups, strict=True):
        np.testing.assert_array_equal(one.spots.others, other.spots.others)


def test_the_emitters_of_a_study_get_the_names_of_the_recording():
    emitters = Emitters("a.tif", nearest_px=5.0)
    emitters.add(spots((10, 10), (30, 30)), 100)
    names = emitters.name_like(np.array([[50.0, 50.0], [30.2, 30.1], [10.0, 9.0], [11.0, 11.0]]))
    assert names == ("a.tif:2", "a.tif:1", "a.tif:0", "a.tif:3")
    assert Emitters("a.tif", 5.0, by_place=True).name_like(np.array([[3.0, 4.0]])) == ("a.tif:3,4",)


def test_detections_double_and_then_come_every_five_minutes():
    live, dt_s = LiveSettings(first_frames=300), 0.5  # five minutes are 600 frames
    times = [0]
    while times[-1] < 3000:
        times.append(next_detection(times[-1], dt_s, live))
    assert times[1:] == [300, 600, 1200, 1800, 2400, 3000]
    fast = LiveSettings(first_frames=300)
    assert [next_detection(n, 0.03, fast) for n in (0, 300, 4800, 9600, 10_000)] == [
        300,
        600,
        9600,
        10_000,
        19_200,
    ]


def test_late_detections_search_the_last_five_minutes():
    frames = np.arange(1000, dtype=np.uint16)[:, None, None] * np.ones((1, 2, 2), np.uint16)
    part = part_to_search(array_movie(frames, dt_s=0.5), 900, 0.5)
    assert part.n_frames == 600
    assert part.read_frames(0, 2)[:, 0, 0].tolist() == [300, 301]
    assert part_to_search(array_movie(frames, dt_s=0.5), 500, 0.5).n_frames == 500
