"""Settings from files and by name: messages about errors are clear."""

import pytest

from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.errors import SettingsError


def message_for(tmp_path, text):
    path = tmp_path / "study.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        Settings.from_toml(path)
    return str(caught.value).replace(f" (in {path})", " (in FILE)").replace(str(path), "FILE")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[sweep]\nepochs = 5",
            "unknown setting sweep.epochs (in FILE); did you mean sweep.n_epochs?",
        ),
        ("seed = 5", "unknown setting seed (in FILE); did you mean sweep.seed?"),
        ("[sweeps]\nseed = 5", "unknown setting sweeps (in FILE); did you mean sweep?"),
        ("[sweep]\nzzzzz = 5", "unknown setting sweep.zzzzz (in FILE); leave it out"),
        ("[sweep]\nn_epochs = 0", "setting sweep.n_epochs (in FILE) must be 1 or above, got 0"),
        ("[sweep]\nk_max = 101", "setting sweep.k_max (in FILE) must be 100 or below, got 101"),
        (
            "[traces]\nthreshold = -1.0",
            "setting traces.threshold (in FILE) must be 0.0 or above, got -1.0",
        ),
        ("[movie]\ndt_s = -1", "setting movie.dt_s (in FILE) must be greater than 0.0, got -1"),
        (
            "[sweep]\nseed = 9223372036854775808",
            "setting sweep.seed (in FILE) must be less than 9223372036854775808, "
            "got 9223372036854775808",
        ),
        ("[sweep]\nk_max = 'x'", "setting sweep.k_max (in FILE) must be a whole number, got 'x'"),
        ("[sweep]\nk_max = 2.5", "setting sweep.k_max (in FILE) must be a whole number, got 2.5"),
        ("[sweep]\nk_max = []", "setting sweep.k_max (in FILE) must be a whole number, got []"),
        ("[movie]\ndt_s = inf", "setting movie.dt_s (in FILE) must be a finite number, got inf"),
        ("[movie]\ndt_s = 'x'", "setting movie.dt_s (in FILE) must be a number, got 'x'"),
        (
            "[movie]\nallow_damaged = 'x'",
            "setting movie.allow_damaged (in FILE) must be true or false, got 'x'",
        ),
        ("device = 'tpu'", "setting device (in FILE) must be 'auto', 'cpu' or 'gpu', got 'tpu'"),
        ("sweep = 3", "setting sweep (in FILE) must be a section of settings, got 3"),
        (
            "[preprocess]\nscales = []",
            "setting preprocess.scales (in FILE) must be a list of 1 or more, got []",
        ),
        (
            "[preprocess]\nscales = 'raw'",
            "setting preprocess.scales (in FILE) must be a list, got 'raw'",
        ),
        (
            "[preprocess]\nscales = ['raw', 1]",
            "setting preprocess.scales.1 (in FILE) must be a text in quotes, got 1",
        ),
        (
            "[preprocess]\nwavelet = 'x'",
            "setting preprocess.wavelet (in FILE): 'x' is not a discrete wavelet of PyWavelets; "
            "try 'db4'",
        ),
        (
            "[traces]\nring_outer_px = 3.0",
            "setting traces (in FILE): ring_outer_px (3.0) must be larger than ring_inner_px (4.0)",
        ),
    ],
)
def test_messages_about_wrong_settings(tmp_path, text, message):
    assert message_for(tmp_path, text) == message


def test_a_message_lists_the_first_five_errors(tmp_path):
    fields = ["k_max", "n_epochs", "seed", "engine", "silhouette_metric", "max_iter"]
    message = message_for(tmp_path, "[sweep]\n" + "\n".join(f"{field} = []" for field in fields))
    assert message.count("setting sweep.") == 5
    assert message.endswith("; and 1 more")
    assert message_for(tmp_path, "device = 1\nn_threads = 0").count("; setting") == 1


def test_files_that_are_no_settings(tmp_path):
    with pytest.raises(SettingsError, match=r"settings file .*none.toml: there is no such file"):
        Settings.from_toml(tmp_path / "none.toml")
    with pytest.raises(SettingsError, match="this is not a file"):
        Settings.from_toml(tmp_path)
    assert message_for(tmp_path, "device =").startswith("settings file FILE can't be read as TOML")
    (tmp_path / "latin.toml").write_bytes(b"device = '\xb5'")
    with pytest.raises(SettingsError, match="as TOML"):
        Settings.from_toml(tmp_path / "latin.toml")


@pytest.mark.parametrize(
    "name", ["sweep.epochs", "device.kind", "nothing.n_epochs", "sweep.seed.x"]
)
def test_unknown_names_of_values(name):
    with pytest.raises(SettingsError, match=f"unknown setting {name}; "):
        Settings().with_values({name: 1})


def test_values_by_name():
    changed = Settings().with_values({"sweep.seed": 3, "device": "cpu", "movie.dt_s": None})
    assert (changed.sweep.seed, changed.device, changed.movie.dt_s) == (3, "cpu", None)
    with pytest.raises(SettingsError, match=r"^setting sweep\.seed must be 0 or above, got -1$"):
        changed.with_values({"sweep.seed": -1})


def test_settings_survive_their_file(tmp_path):
    settings = Settings().with_values({"sweep.seed": 3, "traces.threshold": 12.5})
    (tmp_path / "settings.toml").write_text(settings.to_toml())
    assert Settings.from_toml(tmp_path / "settings.toml") == settings
