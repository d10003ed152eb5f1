"""The macros each kernel is compiled with: what its callers pass to ``kernel_loader.kernel``."""

PIXEL_TYPES = (
    *("unsigned char", "unsigned short", "unsigned int", "short", "int", "float", "double"),
)

# every kernel of the folder, {} where it takes none
MACROS: dict[str, list[dict[str, str | int]]] = {
    "bin_minmax": [{"VALUE": kind} for kind in PIXEL_TYPES],
    "dwt_approximation": [
        {"VALUE": kind, "EXTENSION": mode, "N_TAPS": n_taps, "IN_SHARED": in_shared}
        for kind, mode, n_taps, in_shared in (
            ("unsigned short", "symmetric", 8, 1),
            ("float", "periodization", 2, 0),
            ("double", "smooth", 20, 1),
        )
    ],
    "gather_traces": [{"VALUE": kind, "FRAMES": 8} for kind in PIXEL_TYPES],
    "kmeans_assign": [{}],
    "kmeans_restart": [{}],
    "kmeans_seed": [{}],
    "kmeans_update": [{}],
    "pairwise_sqeuclidean": [{"BLOCK": 256}, {"BLOCK": 256, "ROOT": 1}],
    "silhouette": [{}],
    "take_pixels": [{"VALUE": kind} for kind in PIXEL_TYPES],
    "temporal_sums": [{"VALUE": kind} for kind in PIXEL_TYPES],
}

# kernels that may keep something in local memory, each with the reason
LOCAL_MEMORY: dict[str, str] = {}
