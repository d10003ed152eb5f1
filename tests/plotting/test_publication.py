"""Figures for journals: widths, sizes of text, fonts inside, colours for all readers."""

import json
import re
import subprocess
from itertools import combinations
from shutil import which

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from skimage.color import rgb2lab

from tests.support.studies import make_study, with_few_scales
from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.errors import OutputError, SettingsError
from umlpsd_gpu.plotting.figures import FigurePlan
from umlpsd_gpu.plotting.publication import (
    JOURNALS,
    MM_PER_INCH,
    SMALLEST_PT,
    of_journal,
    publication_style,
    render_vector,
)
from umlpsd_gpu.plotting.style import PALETTE, cluster_colour, lay_out
from umlpsd_gpu.report.publication_folder import write_publication_figures

NATURE = JOURNALS["nature"]
# Machado, Oliveira, Fernandes, IEEE Trans. Vis. Comput. Graph. 15, 1291 (2009), severity 1
DEFICIENT = {
    "normal": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritan": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


@pytest.fixture(scope="module")
def study():
    return with_few_scales(make_study(n_traces=40, n_frames=600, k_max=4))


@pytest.fixture(scope="module")
def folder(study, tmp_path_factory):
    return write_publication_figures(study, tmp_path_factory.mktemp("paper") / "figures")


@pytest.fixture(scope="module")
def drawn(study, folder):
    """The figures of the study, and their SVG."""
    with publication_style(NATURE):
        plans = get_analysis("blinking").publication_figures(study, NATURE)
        figures = {plan.name: plan.draw(study) for plan in plans}
        for figure in figures.values():
            lay_out(figure)
    return {name: (each, (folder / f"{name}.svg").read_bytes()) for name, each in figures.items()}


def test_the_figures_have_the_widths_of_the_journal(drawn):
    assert list(drawn) == ["figure_1", "figure_2", "figure_3"]
    for figure, _ in drawn.values():
        width_mm, height_mm = MM_PER_INCH * figure.get_size_inches()
        assert width_mm == pytest.approx(183)
        assert height_mm <= 247


def test_no_text_is_smaller_than_5_pt_or_larger_than_the_letters_of_panels(drawn):
    for figure, _ in drawn.values():
        texts = [t for t in figure.findobj(Text) if t.get_text().strip() and t.get_visible()]
        assert len(texts) > 20
        sizes = {t.get_fontsize() for t in texts}
        assert min(sizes) >= SMALLEST_PT
        assert max(sizes) <= NATURE.label_pt
        letters = [t.get_text() for t in texts if t.get_fontsize() == NATURE.label_pt]
        assert letters == list("abcde")[: len(letters)]


def test_text_stays_text_and_is_within_the_figure(drawn):
    for figure, svg in drawn.values():
        assert b"<text" in svg
        assert b"Time (s)" in svg or b"Number of clusters K" in svg
        box = figure.get_tightbbox(FigureCanvasAgg(figure).get_renderer())
        width, height = figure.get_size_inches()
        assert min(box.x0, box.y0) > -0.02
        assert box.x1 < width + 0.02
        assert box.y1 < height + 0.02


def test_the_folder_is_complete_with_fonts_inside(folder, drawn):
    assert sorted(path.name for path in folder.iterdir()) == [
        *(f"figure_{n}.{kind}" for n in (1, 2, 3) for kind in ("pdf", "svg")),
        "figures.json",
    ]
    for name in drawn:
        pdf = (folder / f"{name}.pdf").read_bytes()
        assert pdf.startswith(b"%PDF")
        assert b"/FontFile2" in pdf
        assert b"/Subtype /Type3" not in pdf
        assert b"CreationDate" not in pdf
    told = json.loads((folder / "figures.json").read_text("utf-8"))
    assert [each["width_mm"] for each in told["figures"]] == [183.0] * 3
    if which("pdffonts"):
        table = subprocess.run(
            ["pdffonts", folder / "figure_3.pdf"], capture_output=True, text=True, check=True
        )
        rows = table.stdout.splitlines()[2:]
        assert rows
        assert all("TrueType" in row and row.split()[-5] == "yes" for row in rows)


def test_the_same_study_gives_the_same_bytes(study, folder):
    with publication_style(NATURE):
        plan = get_analysis("blinking").publication_figures(study, NATURE)[2]
        again = render_vector(plan.draw(study), "svg")
    assert (folder / "figure_3.svg").read_bytes() == again


def test_a_small_figure_of_a_report_fits_one_column():
    def draw(_):
        figure = Figure(figsize=(5.0, 3.0), layout="constrained")
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], linewidth=1.5)
        axes.set_title("title", fontsize=12)
        return figure

    with publication_style(NATURE):
        figure = of_journal(FigurePlan("a", "A", "", draw), NATURE).draw(None)
    assert MM_PER_INCH * figure.get_size_inches()[0] == pytest.approx(89)
    (axes,) = figure.axes
    assert axes.lines[0].get_linewidth() == pytest.approx(1.0)
    assert axes.title.get_fontsize() == pytest.approx(8.0)


def test_a_cluster_has_one_colour_in_all_figures_and_in_the_page(study, drawn):
    from umlpsd_gpu.plotting.figures import draw_figures
    from umlpsd_gpu.report.page import render_page

    names = ("power_spectra", "exponents", "images")
    plans = [plan for plan in get_analysis("blinking").figures(study) if plan.name in names]
    report = draw_figures(plans, study)
    page = render_page(study, [])
    for cluster in study.clusters.clusters.tolist():
        colour = to_hex(cluster_colour(cluster))
        assert colour in page
        for name in ("figure_1", "figure_3"):
            assert colour in drawn[name][1].decode(), (cluster, name)
        for figure in report:
            assert colour in figure.svg.decode(), (cluster, figure.name)
    # and no figure of clusters has the colour of a cluster that the study lacks
    absent = {to_hex(cluster_colour(c)) for c in range(4, 8)}
    for name in ("figure_1", "figure_3"):
        assert not absent & set(re.findall(r"#[0-9a-f]{6}", drawn[name][1].decode()))


@pytest.mark.parametrize("sight", DEFICIENT)
def test_all_readers_tell_the_first_six_clusters_apart(sight):
    linear = np.array([to_rgb(colour) for colour in PALETTE[:6]]) ** 2.2
    seen = np.clip(linear @ DEFICIENT[sight].T, 0, 1) ** (1 / 2.2)
    lab = rgb2lab(seen[None])[0]
    nearest = min(np.linalg.norm(one - other) for one, other in combinations(lab, 2))
    # a difference of 2.3 is just noticeable side by side
    assert nearest > 4 * 2.3


class TestRefused:
    def test_an_unknown_journal(self, study, tmp_path):
        with pytest.raises(SettingsError, match="'science' is not known; choose from nature"):
            write_publication_figures(study, tmp_path / "a", "science")

    def test_an_unknown_format(self, study, tmp_path):
        with pytest.raises(SettingsError, match="as pdf or svg, got 'eps'"):
            write_publication_figures(study, tmp_path / "a", formats=["eps"])
        assert not (tmp_path / "a").exists()

    def test_a_folder_in_use(self, study, tmp_path):
        (tmp_path / "mine.txt").write_text("keep")
        with pytest.raises(OutputError, match="holds files but no folder of figures"):
            write_publication_figures(study, tmp_path, overwrite=True)
