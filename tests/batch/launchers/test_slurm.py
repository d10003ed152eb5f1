"""SLURM: scripts say what was asked for, and a real SLURM finishes an array whatever happens."""

import math
import os
import signal
import subprocess
import time

import pytest

from tests.support.batches import (
    assert_all_visible_is_whole,
    ids_of,
    make_archive,
    make_batch,
    studies_of,
)
from tests.support.slurm_cluster import SlurmCluster, children_of, why_not
from umlpsd_gpu.batch.launchers import slurm
from umlpsd_gpu.batch.launchers.slurm import QueueError, SlurmOptions, slurm_jobs, submit_to_slurm
from umlpsd_gpu.batch.manifest import read_manifest
from umlpsd_gpu.batch.options import RunOptions
from umlpsd_gpu.batch.runner import run_batch
from umlpsd_gpu.batch.status import read_status
from umlpsd_gpu.compute.backend import n_cores
from umlpsd_gpu.errors import OutputError, SettingsError

LONGEST_S = 90.0
SETTLED_S = 1.0


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return make_archive(tmp_path_factory.mktemp("archive"), 12)


@pytest.fixture
def out(archive, tmp_path):
    make_batch(archive, tmp_path / "out")
    return tmp_path / "out"


def lines_of(script):
    head = [line.removeprefix("#SBATCH --") for line in script.splitlines() if "#SBATCH" in line]
    return dict(line.partition("=")[::2] for line in head)


class TestScript:
    def test_says_what_was_asked_for(self, out):
        options = SlurmOptions(
            n_tasks=6,
            n_at_once=3,
            partition="gpu,long",
            account="lab",
            gres="gpu:1",
            time_min=90,
            memory_mb=3000,
            n_cpus=4,
            warn_s=300,
        )
        found = lines_of(slurm_jobs(out, options).array)
        assert found == {
            "array": "1-6%3",
            "output": f'"{out}/logs/%A_%a.txt"',
            "job-name": "umlpsd-out",
            "time": "90",
            "mem": "3000M",
            "cpus-per-task": "4",
            "signal": "B:USR1@300",
            "open-mode": "append",
            "requeue": "",
            "partition": "gpu,long",
            "account": "lab",
            "gres": "gpu:1",
        }

    def test_memory_and_time_come_from_the_manifest(self, out):
        movies = read_manifest(out).movies
        largest_mb = max(entry.memory_mb for entry in movies)
        one, four = (lines_of(slurm_jobs(out, SlurmOptions(n_cpus=n)).array) for n in (1, 4))
        assert int(one["mem"][:-1]) > largest_mb
        assert int(four["mem"][:-1]) - int(one["mem"][:-1]) >= 3 * largest_mb
        assert int(one["time"]) * 60 > sum(entry.duration_s for entry in movies)

    def test_workers_are_the_cores_or_the_cards(self, out):
        assert "--workers 3" in slurm_jobs(out, SlurmOptions(n_cpus=3)).array
        assert "--workers" not in slurm_jobs(out, SlurmOptions(n_cpus=3, gres="gpu:2")).array

    def test_the_limit_of_a_movie_goes_to_the_runners(self, out):
        jobs = slurm_jobs(out, SlurmOptions(limit_s=1800))
        assert "--limit-s 1800" in jobs.array
        assert "--limit-s 1800" in jobs.last
        assert "--limit-s" not in slurm_jobs(out).array

    def test_tasks_never_outnumber_movies_or_the_largest_array(self, out, monkeypatch):
        assert slurm_jobs(out).n_tasks == 1  # 12 short movies are no ten minutes of work
        with pytest.raises(SettingsError, match="13 tasks are too many: there are 12 movies"):
            slurm_jobs(out, SlurmOptions(n_tasks=13))
        monkeypatch.setattr(slurm, "_read_max_array_size", lambda: 6)
        assert slurm_jobs(out, SlurmOptions(n_tasks=5)).n_tasks == 5
        with pytest.raises(SettingsError, match="MaxArraySize is 6; give --tasks 5"):
            slurm_jobs(out, SlurmOptions(n_tasks=6))

    @pytest.mark.parametrize("name", ["with space", "50 % $HOME;", "µ"])
    def test_any_name_of_a_folder_comes_through_the_shell(self, archive, tmp_path, name):
        out = tmp_path / name
        make_batch(archive, out)
        script = slurm_jobs(out).array
        shown = script.replace(slurm.find_program(), "printf '%s|'")
        found = subprocess.run(
            ["bash"], input=shown, text=True, capture_output=True, env={"SLURM_ARRAY_TASK_ID": "1"}
        )
        assert found.stdout.startswith(f"batch|run|{out}|--shard|1/1|")
        assert f'"{str(out).replace("%", "%%")}/logs/%A_%a.txt"' in script

    def test_names_that_slurm_cannot_take_are_refused(self, archive, tmp_path):
        for name in ("it's", "two\nlines", "back\\slash"):
            make_batch(archive, tmp_path / name)
            with pytest.raises(SettingsError, match="give the batch another folder"):
                slurm_jobs(tmp_path / name)

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"n_tasks": 0}, "n_tasks of a job array must be 1 or more, got 0"),
            ({"limit_s": -1.0}, "time limit of an input must be above 0 s"),
            ({"memory_mb": math.nan}, "memory_mb of a job array must be 1 or more, got nan"),
            ({"memory_mb": math.inf}, "memory_mb of a job array must be 1 or more, got inf"),
            ({"warn_s": 5}, "warn_s must be 15 or more"),
            ({"partition": "a\n#SBATCH --uid=0"}, "partition"),
            ({"gres": "gpu:1 --wrap"}, "gres"),
        ],
    )
    def test_options_that_make_no_sense_are_refused(self, wrong, words):
        with pytest.raises(SettingsError, match=words):
            SlurmOptions(**wrong)

    def test_without_slurm_it_says_so(self, out, monkeypatch):
        monkeypatch.setenv("PATH", "/nowhere")
        with pytest.raises(QueueError, match="there is no sbatch here"):
            submit_to_slurm(out)

    def test_logs_lie_in_the_batch(self, out, tmp_path):
        (out / "logs").symlink_to(tmp_path)
        with pytest.raises(OutputError, match="symbolic link"):
            submit_to_slurm(out)

    def test_a_job_takes_its_share_of_the_cores(self, monkeypatch):
        monkeypatch.setenv("SLURM_CPUS_PER_TASK", "1")
        assert n_cores() == 1
        for more_or_nothing in ("100000", "0", ""):
            monkeypatch.setenv("SLURM_CPUS_PER_TASK", more_or_nothing)
            assert n_cores() == len(os.sched_getaffinity(0))


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "SLURM is there")
class TestRealSlurm:
    def test_an_array_is_complete_after_a_kill_a_requeue_a_warning_and_a_dead_node(
        self, archive, out, tmp_path, monkeypatch
    ):
        expected = tmp_path / "local"
        make_batch(archive, expected)
        run_batch(expected, RunOptions(n_workers=2))
        with SlurmCluster(tmp_path / "slurm") as cluster:
            for name in ("PATH", "SLURM_CONF"):
                monkeypatch.setenv(name, cluster.environment[name])
            jobs = submit_to_slurm(out, SlurmOptions(n_tasks=12, memory_mb=600))
            happened = harm(cluster, jobs.ids[0])
            finish(cluster, jobs, out)
            assert set(happened) == {"kill", "shell", "requeue", "warning", "node"}, cluster.logs()
        assert {movie.state for movie in read_status(out).movies} == {"done"}
        assert assert_all_visible_is_whole(out) == len(ids_of(out)) == 12
        assert studies_of(out) == studies_of(expected)


def harm(cluster, array):
    """Do each harm once to a task at work; return what was done to which."""
    harms = {"kill": kill, "shell": kill_shell, "requeue": requeue, "warning": warn}
    done, begun = {}, {}
    deadline = time.monotonic() + LONGEST_S
    while harms and time.monotonic() < deadline:
        for task, (state, _) in cluster.tasks(array).items():
            shell = cluster.shell_of(task) if state == "RUNNING" else None
            if task in done.values() or shell is None or not harms or not children_of(shell):
                continue
            # SLURM puts off signals to a task that has just begun
            if time.monotonic() - begun.setdefault(task, time.monotonic()) < SETTLED_S:
                continue
            name = next(iter(harms))
            harms.pop(name)(cluster, task, shell)
            done[name] = task
    # last: commands that concern a dead node wait for it
    deadline += LONGEST_S
    while "node" not in done and time.monotonic() < deadline:
        if ("RUNNING", "v2") in cluster.tasks(array).values():
            cluster.kill_node("v2")
            done["node"] = "v2"
    return done


def kill(cluster, task, shell):
    os.kill(children_of(shell)[0], signal.SIGKILL)


def kill_shell(cluster, task, shell):
    (runner,) = children_of(shell)
    os.kill(shell, signal.SIGKILL)
    os.kill(runner, signal.SIGKILL)


def requeue(cluster, task, shell):
    assert cluster.run("scontrol", "requeue", task).returncode == 0


def warn(cluster, task, shell):
    """Do what SLURM does before the time is up: scancel meets tasks in transition and waits."""
    os.kill(shell, signal.SIGUSR1)


def finish(cluster, jobs, out):
    deadline = time.monotonic() + LONGEST_S
    while any(cluster.tasks(job) for job in jobs.ids):
        for job in jobs.ids:
            cluster.skip_waiting(job)
        assert time.monotonic() < deadline, f"{read_status(out).counts}\n{cluster.logs()}"
        time.sleep(0.3)
