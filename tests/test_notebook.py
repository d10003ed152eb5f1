"""The public names work in a Jupyter kernel, and in a script without a ``__main__`` guard."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import umlpsd_gpu

ROOT = Path(umlpsd_gpu.__file__).parents[1]
# What each cell does, and the kinds of output that it must have
CELLS = [
    (
        """
import umlpsd_gpu as um
from umlpsd_gpu.simulate.movie import simulate_movie
truth = simulate_movie("film.tif", n_frames=800, n_rows=64, n_cols=64, n_emitters=8)
""",
        set(),
    ),
    ('movie = um.open_movie("film.tif", dt_s=0.03)\nmovie', {"text/plain", "text/html"}),
    (
        "traces = um.extract_emitters(movie, psf_sigma_px=1.3, detection_snr=5)\ntraces",
        {"text/plain", "text/html"},
    ),
    (
        """
study = um.run_study(
    movie, scales=["W20", "W40"], k_max=4, n_epochs=4, n_surrogates=1, n_resamples=2, device="cpu"
)
""",
        {"text/html"},
    ),
    ("study", {"text/plain", "text/html"}),
    ("study.decision", {"text/html"}),
    ("study.sweeps[0]", {"text/html"}),
    ("study.fit", {"text/html"}),
    ("um.plot_study_map(study, 'beta')", {"image/png"}),
    (
        """
um.plot_power_spectra(study.spectrum, study.labels, study.fit)
um.plot_metrics(study.sweeps, decision=study.decision)
um.plot_clusters(um.preprocess(study.traces, frames_per_bin=20), study.labels)
um.plot_traces(study.traces)
um.plot_exponents(study.fit, study.labels);
""",
        {"image/png"},
    ),
    ("study.to_pandas().head()", {"text/html"}),
    ("study.to_xarray()", {"text/html"}),
    ("study.traces.to_pandas().head()", {"text/html"}),
    ("study.sweeps[0].to_xarray()", {"text/html"}),
    ("print(um.write_report(study, 'study').name)", set()),
]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "IPYTHONDIR": os.devnull}


def test_in_a_kernel(tmp_path, monkeypatch):
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    pytest.importorskip("xarray")
    import nbformat

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    cells = [nbformat.v4.new_code_cell(text) for text, _ in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    for cell, (text, expected) in zip(notebook.cells, CELLS, strict=True):
        kinds = {kind for out in cell.outputs for kind in out.get("data", {})}
        assert expected <= kinds, text
        # warnings and log lines would be streams of their own
        assert all(out.get("name") != "stderr" for out in cell.outputs), (text, cell.outputs)
    # progress is shown without being asked for
    (bars,) = notebook.cells[3].outputs
    assert bars.data["text/html"].count("<progress") >= 3
    assert (tmp_path / "study" / "report.html").is_file()


def test_in_a_script_without_a_guard(tmp_path):
    script = tmp_path / "analyse.py"
    show = "import matplotlib\nmatplotlib.use('Agg')\n"
    script.write_text(show + "\n".join(text for text, _ in CELLS), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "study\n"
    # no progress where nobody looks, and no warnings
    assert done.stderr == ""
