"""The edges of pixel mode, by the command line: a right answer, or one sentence and exit code 2."""

import sys

import numpy as np
import pytest
import roifile
import tifffile

from umlpsd_gpu import Settings, open_movie, run_study
from umlpsd_gpu.analyses.blinking.extract import extract
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.saving import digest_of_result
from umlpsd_gpu.cli.main import main
from umlpsd_gpu.simulate.assembly import simulate_assembly
from umlpsd_gpu.simulate.movie import simulate_movie

# few epochs and scales: what is tested is which pixels are worked on
QUICK = Settings().with_values(
    {
        "movie.dt_s": 0.1,
        "traces.mode": "pixels",
        "preprocess.scales": ["W20", "W40"],
        "sweep.k_max": 4,
        "sweep.n_epochs": 5,
        "decision.n_resamples": 0,
        "decision.n_surrogates": 1,
    }
)


@pytest.fixture(scope="module")
def frames():
    return simulate_assembly(n_frames=900, n_rows=10, n_cols=11, n_grains=2)[0]


@pytest.fixture
def umlpsd_run(tmp_path, monkeypatch, capsys):
    """Analyse frames by the command line; return exit code, what was said, study or None."""
    (tmp_path / "quick.toml").write_text(QUICK.to_toml())

    def run(frames, *options):
        movie, folder = write(tmp_path / "movie.tif", frames), tmp_path / "study"
        given = ["--settings", tmp_path / "quick.toml", *options, "--out", folder]
        monkeypatch.setattr(sys, "argv", list(map(str, ["umlpsd", "run", movie, *given])))
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, capsys.readouterr(), folder

    return run


@pytest.fixture
def studied(tmp_path):
    """Analyse frames without drawing a report; return the study."""

    def study(frames, **settings):
        chosen = QUICK.with_values({f"traces.{name}": value for name, value in settings.items()})
        movie = open_movie(write(tmp_path / "movie.tif", frames), chosen.movie)
        found = run_study(movie, chosen)
        assert np.isfinite(found.fit.beta[found.clustered]).all()
        return found

    return study


def write(path, frames):
    with tifffile.TiffWriter(path) as tif:  # page by page: a whole strip would be one image
        for frame in frames:
            tif.write(frame, photometric="minisblack", contiguous=True)
    return path


def assert_refused(result, *words):
    code, said, folder = result
    assert code == 2, said.err
    assert not folder.exists()
    (sentence,) = [line for line in said.err.splitlines() if line.startswith("Error:")]
    for word in words:
        assert word in sentence


def rectangle(path, left, top, right, bottom):
    kind = roifile.ROI_TYPE.RECT
    roi = roifile.ImagejRoi(roitype=kind, left=left, top=top, right=right, bottom=bottom)
    roi.tofile(path)
    return path


def test_a_threshold_above_the_maximum_names_file_and_brightest_pixel(umlpsd_run, frames, tmp_path):
    brightest = f"{frames.mean(axis=0).max():.6g}"
    result = umlpsd_run(frames, "--threshold", "60000")
    assert_refused(result, "60000.0 counts", brightest, f"{tmp_path}/")


def test_a_mask_of_nothing(umlpsd_run, frames, tmp_path):
    tifffile.imwrite(tmp_path / "mask.tif", np.zeros((10, 11), np.uint8))
    assert_refused(
        umlpsd_run(frames, "--roi", tmp_path / "mask.tif"), "contains no pixel of the 10 × 11"
    )


def test_a_mask_outside_the_grains(umlpsd_run, tmp_path):
    frames, truth = simulate_assembly(layout="crystals", n_rows=28, n_cols=28, n_frames=900)
    assert truth.grains[0].max() == 0
    top = rectangle(tmp_path / "top.roi", 0, 0, 28, 1)
    assert_refused(
        umlpsd_run(frames, "--threshold", "200", "--roi", top), "inside top.roi (28 pixels"
    )


def test_a_mask_of_one_pixel_is_too_few_to_cluster(umlpsd_run, frames, tmp_path):
    one = rectangle(tmp_path / "one.roi", 4, 5, 5, 6)
    result = umlpsd_run(frames, "--roi", one, "--threshold", "200")
    assert_refused(
        result, "1 of 1 traces can be clustered", "at least 3", "choose a lower --threshold"
    )


def test_a_mask_of_another_size(umlpsd_run, frames, tmp_path):
    tifffile.imwrite(tmp_path / "mask.tif", np.ones((11, 10), np.uint8))
    assert_refused(umlpsd_run(frames, "--roi", tmp_path / "mask.tif"), "the mask is 11 × 10 where")


def test_a_region_that_is_no_region(umlpsd_run, frames, tmp_path):
    (tmp_path / "noise.roi").write_bytes(bytes(range(200)))
    assert_refused(
        umlpsd_run(frames, "--roi", tmp_path / "noise.roi"), "noise.roi: it can't be read"
    )
    assert_refused(umlpsd_run(frames, "--roi", tmp_path / "none.roi"), "there is no such file")


def test_a_mask_of_everything_equals_none(studied, frames, tmp_path):
    tifffile.imwrite(tmp_path / "mask.tif", np.ones((10, 11), np.uint8))
    masked = studied(frames, threshold=0.0, roi=str(tmp_path / "mask.tif"))
    free = studied(frames, threshold=0.0)
    assert masked.traces.n_traces == 110
    assert np.array_equal(masked.labels, free.labels)
    assert np.array_equal(masked.fit.beta, free.fit.beta)
    assert "inside mask.tif (110 pixels, SHA-256 " in masked.traces.history[0]


def test_the_digest_of_a_study_depends_on_the_region_s_content(studied, frames, tmp_path):
    def digest(*box):
        roi = rectangle(tmp_path / "r.roi", *box)
        found = studied(frames, threshold=200.0, roi=str(roi))
        assert found.traces.n_traces == 30
        return digest_of_result(found)

    first, other, again = digest(2, 3, 7, 9), digest(2, 2, 7, 8), digest(2, 3, 7, 9)
    assert first == again
    assert first != other


@pytest.mark.parametrize("turned", [False, True])
def test_a_strip_of_one_row_or_column(studied, turned):
    strip, _ = simulate_assembly(n_rows=2, n_cols=25, n_frames=900, n_grains=2)
    strip = np.swapaxes(strip, 1, 2)[:, :, :1] if turned else strip[:, :1]
    traces = studied(strip, threshold=200.0).traces
    assert np.array_equal(traces.rows if turned else traces.cols, np.arange(25))


def test_pixels_of_nan_are_kept_and_flagged(umlpsd_run, frames):
    broken = frames.astype(np.float32)
    broken[17, 3, 4] = np.nan
    broken[:, 5, 5] = np.nan
    broken[100:103, 6, 6] = np.inf
    broken[:, 7, 7] = 300
    code, said, folder = umlpsd_run(broken, "--threshold", "200")
    assert code == 0, said.err
    study = Study.load(folder)
    assert study.traces.n_traces == 109  # one is never finite
    places = np.stack([study.traces.rows, study.traces.cols], axis=1)[~study.clustered]
    assert places.tolist() == [[3, 4], [6, 6], [7, 7]]
    assert np.isfinite(study.fit.beta[study.clustered]).all()
    assert "3 of 109 traces were not clustered" in said.out


def test_a_movie_of_nan(umlpsd_run):
    broken = np.full((900, 5, 6), np.nan, np.float32)
    assert_refused(umlpsd_run(broken), "no pixel is finite in any frame")


def test_a_region_in_emitter_mode_is_said_to_have_no_effect(tmp_path):

    made = simulate_movie(tmp_path / "m.tif", n_emitters=4, n_rows=48, n_cols=48, n_frames=300)
    settings = Settings().with_values({"traces.roi": "r.roi"})
    _, _, notes = extract(open_movie(made.path), settings, lambda *_: None)
    assert "The region of interest had no effect; it is only used with --traces pixels." in notes
