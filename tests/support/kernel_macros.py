"""The macros each kernel is compiled with: what its callers pass to ``kernel_loader.kernel``."""

from umlpsd_gpu.compute.kernel_loader import C_TYPES
from umlpsd_gpu.spectrum import gpu as spectrum

PIXEL_TYPES = (
    *("unsigned char", "unsigned short", "unsigned int", "short", "int", "float", "double"),
)

# what counts of each type are calculated in
SPECTRUM_TYPES: list[dict[str, str | int]] = [
    {"VALUE": value, "REAL": "float" if dtype in spectrum.IN_FLOAT32 else "double"}
    for dtype, value in C_TYPES.items()
]

# every kernel of the folder, {} where it takes none
MACROS: dict[str, list[dict[str, str | int]]] = {
    "bin_minmax": [{"VALUE": kind} for kind in PIXEL_TYPES],
    "cut_windows": [{}],
    "dwt_approximation": [
        {"VALUE": kind, "EXTENSION": mode, "N_TAPS": n_taps, "IN_SHARED": in_shared}
        for kind, mode, n_taps, in_shared in (
            ("float", "symmetric", 8, 1),
            ("double", "symmetric", 8, 0),
            ("unsigned short", "symmetric", 8, 1),
            ("unsigned char", "antireflect", 6, 1),
            ("float", "zero", 102, 0),
            ("float", "periodization", 2, 0),
            ("double", "smooth", 20, 1),
        )
    ],
    "gather_traces": [{"VALUE": kind, "FRAMES": 8} for kind in PIXEL_TYPES],
    "kmeans_assign": [{}],
    "kmeans_restart": [{}],
    "kmeans_seed": [{}],
    "kmeans_update": [{}],
    "log_welch": [
        {
            **types,
            "TRACES_PER_LANE": tiling.traces_per_lane,
            "FREQS_PER_WARP": tiling.freqs_per_warp,
        }
        for types in SPECTRUM_TYPES
        if types["VALUE"] in ("unsigned short", "float", "int", "double")
        for tiling in (spectrum.NARROW, spectrum.WIDE[str(types["REAL"])])
    ],
    "pairwise_sqeuclidean": [{"BLOCK": 128}, {"BLOCK": 128, "ROOT": 1}],
    "particle_pixels": [{}],
    "power_law_fit": [{}],
    "power_spectrum": [{"REAL": "float"}, {"REAL": "double"}],
    "row_dots": [{}],
    "silhouette": [{}],
    "spectrum_amplitudes": [{}],
    "take_pixels": [{"VALUE": kind} for kind in PIXEL_TYPES],
    "temporal_sums": [{"VALUE": kind} for kind in PIXEL_TYPES],
    "trace_centres": SPECTRUM_TYPES,
    "window_segments": SPECTRUM_TYPES,
}

# kernels that may keep something in local memory, each with the reason
LOCAL_MEMORY: dict[str, str] = {}
