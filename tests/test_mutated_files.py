"""Mutants of small files of every importer: our own error with the path, or a valid value."""

import os
from collections import Counter

import pytest

from tests.support.hostile_files.fuzzing import make_mutants, read_mutants
from tests.support.hostile_files.importers import READERS
from tests.support.hostile_files.sandbox import run_jobs
from tests.support.hostile_files.seeds import write_seeds

# More for a longer search: UMLPSD_FUZZ_ROUNDS=8000. The benchmark runs 200,000.
N_MUTANTS = int(os.environ.get("UMLPSD_FUZZ_ROUNDS", 260))


@pytest.mark.parametrize("importer", READERS)
def test_seeds_are_sound(importer, tmp_path):
    for seed in write_seeds(importer, tmp_path):
        assert READERS[importer](seed)


@pytest.mark.parametrize("importer", READERS)
def test_mutants_open_or_are_refused(importer, tmp_path):
    outcomes = list(run_jobs(read_mutants(importer, tmp_path), N_MUTANTS))
    counts = Counter(outcome.kind for outcome in outcomes)
    bad = [outcome for outcome in outcomes if outcome.kind not in ("opened", "refused")]
    assert not bad, bad[0]
    assert len(outcomes) == N_MUTANTS
    assert min(counts["opened"], counts["refused"]) >= 2, counts
    assert max(outcome.seconds for outcome in outcomes) < 10
    assert max(outcome.peak_mb for outcome in outcomes) < 512


def test_mutants_are_the_same_each_time_and_all_differ(tmp_path):
    first, again = (make_mutants("HDF5", tmp_path / name) for name in ("a", "b"))
    blobs = [first(number).read_bytes() for number in range(200)]
    assert blobs == [again(number).read_bytes() for number in range(200)]
    assert len(set(blobs)) > 190
