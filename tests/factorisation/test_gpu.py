"""The same factorisations from arrays on the device, here those of the stand-in."""

import numpy as np

from umlpsd_gpu.factorisation.factorise import FactorisationOptions, factorise
from umlpsd_gpu.factorisation.rank_of_counts import decide_rank_of_counts
from umlpsd_gpu.factorisation.residuals import find_residuals
from umlpsd_gpu.factorisation.subspace import project
from umlpsd_gpu.factorisation.uncertainty import bound_components

COUNTS = FactorisationOptions(loss="poisson", scaling="keenan_kotula", n_restarts=4)


def counts():
    rng = np.random.default_rng(0)
    maps, components = rng.gamma(1, size=(100, 3)), rng.gamma(0.3, size=(3, 40))
    return rng.poisson(5 * maps @ components).astype(float)


def assert_close(on_device, on_host, tolerance=1e-4):
    """Starts are followed in single precision, all at once on the device."""
    scale = np.abs(on_host).max()
    np.testing.assert_allclose(np.asarray(on_device.get()), on_host, rtol=0, atol=tolerance * scale)


def test_components_and_maps_are_those_of_the_cpu(on_cpu):
    matrix = counts()
    there, here = factorise(on_cpu.asarray(matrix), 3, COUNTS), factorise(matrix, 3, COUNTS)
    assert_close(there.components, here.components)
    assert_close(there.maps, here.maps)
    assert there.is_converged


def test_errors_ranges_and_residuals_are_those_of_the_cpu(on_cpu):
    matrix = counts()
    device = on_cpu.asarray(matrix)
    found = []
    for values in (matrix, device):
        factors = factorise(values, 3, COUNTS)
        subspace = project(values, 19, "keenan_kotula")
        bounds = bound_components(values, factors, subspace, COUNTS, 4)
        found.append((bounds, find_residuals(values, factors.maps, factors.components)))
    (here, residuals_here), (there, residuals_there) = found
    # fits to drawn noise end at a KKT residual of 1e-4
    assert_close(there.map_errors, here.map_errors, 3e-2)
    assert_close(there.component_errors, here.component_errors, 3e-2)
    np.testing.assert_allclose(there.largest_share, here.largest_share, atol=1e-2)
    assert_close(residuals_there.sample_z, residuals_here.sample_z)


def test_number_of_components_is_that_of_the_cpu(on_cpu):
    matrix = counts()
    there = decide_rank_of_counts(on_cpu.asarray(matrix), (10, 10))
    here = decide_rank_of_counts(matrix, (10, 10))
    assert there.estimates == here.estimates
    assert there.k == here.k
