"""One holder at a time, and a late one commits nothing, whatever the order of events."""

import os
import signal
import time

import pytest

from tests.support.batches import folder_in_memory, in_child, result_of
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.leases.lease import (
    LeaseLostError,
    claim,
    delete_leftovers,
    read_file_system_time,
    read_last_token,
)
from umlpsd_gpu.errors import OutputError

TERM_S = 60.0


@pytest.fixture
def tmp_path():
    with folder_in_memory() as place:
        yield place


@pytest.fixture
def folder(tmp_path):
    folder = BatchFolder.at(tmp_path)
    folder.make()
    return folder


def take(folder, term_s=TERM_S, later_s=0.0):
    return claim(folder, "m", term_s, read_file_system_time(folder) + later_s)


def write(lease, text):
    (lease.work / "text").write_text(text)


def result(folder):
    return (folder.result("m") / "text").read_text()


def test_one_holder_at_a_time(folder):
    first = take(folder)
    assert take(folder) is None
    write(first, "a")
    first.commit({})
    first.release()
    assert result(folder) == "a"
    second = take(folder)
    assert second.number == first.number + 1
    second.release()
    assert os.listdir(folder.work) == []
    assert result(folder) == "a"


def test_a_holder_that_gives_signs_of_life_keeps_its_lease(folder):
    lease = take(folder, term_s=5)
    os.utime(lease.token, (0, 0))
    assert lease.beat()
    assert take(folder) is None
    assert lease.is_current()


def test_a_silent_holder_is_followed_and_its_commit_refused(folder):
    late = take(folder)
    write(late, "late")
    follower = take(folder, later_s=TERM_S + 1)
    assert follower.number == late.number + 1
    assert [token.number for token in follower.interrupted] == [late.number]
    assert not late.beat()
    with pytest.raises(LeaseLostError, match="another runner"):
        late.commit({})
    write(follower, "follower")
    follower.commit({})
    assert result(folder) == "follower"
    with pytest.raises(LeaseLostError):
        late.commit({})
    late.release()
    assert read_last_token(folder.claims("m")).owner, (
        "a late release must not free its follower's lease"
    )
    assert result(folder) == "follower"


def test_a_worker_that_makes_its_folder_anew_gets_nothing_committed(folder):
    """Its runner was stopped, its folder taken away, and then it comes to write its study."""
    late = take(folder)
    follower = take(folder, later_s=TERM_S + 1)
    write(follower, "follower")
    follower.commit({})
    follower.release()
    late.work.mkdir(parents=True)
    write(late, "late")
    assert not late.beat()
    with pytest.raises(LeaseLostError):
        late.commit({})
    assert result(folder) == "follower"
    late.release()
    assert os.listdir(folder.work) == []


@pytest.mark.parametrize("fence", ["_fence_off", "_delete_abandoned"])
def test_each_of_the_two_fences_does_it_alone(folder, monkeypatch, fence):
    """By the name in the token, and by listing: network file systems may list what was."""
    from umlpsd_gpu.batch.leases import lease as module

    others = {"_fence_off": "_delete_abandoned", "_delete_abandoned": "_fence_off"}
    monkeypatch.setattr(module, others[fence], lambda *given: ())
    late = take(folder)
    follower = take(folder, later_s=TERM_S + 1)
    with pytest.raises(LeaseLostError):
        late.commit({})
    write(follower, "follower")
    follower.commit({})
    assert result(folder) == "follower"


def test_a_late_commit_never_replaces_what_its_follower_has_committed(folder):
    late = take(folder)
    follower = take(folder, later_s=TERM_S + 1)
    write(follower, "follower")
    follower.commit({})
    follower.release()
    with pytest.raises(LeaseLostError):
        late.commit({})
    assert result(folder) == "follower"


def test_what_was_committed_before_the_takeover_stays(folder):
    first = take(folder)
    write(first, "first")
    first.commit({})
    follower = take(folder, later_s=TERM_S + 1)
    assert result(folder) == "first"
    follower.release()
    assert result(folder) == "first"


@pytest.mark.parametrize("can_swap", [True, False])
def test_an_older_result_is_replaced(folder, monkeypatch, can_swap):
    from umlpsd_gpu.storage import result_folder as study_folder

    if not can_swap:
        monkeypatch.setattr(study_folder, "_exchange", lambda first, second: False)
    for text in ("old", "new"):
        lease = take(folder)
        write(lease, text)
        lease.commit({})
        lease.release()
        assert result(folder) == text
    assert os.listdir(folder.work) == []
    assert os.listdir(folder.results) == ["m"]


def test_a_holder_that_was_killed_is_followed_at_once(folder):
    def hold():
        write(take(folder), "dead")
        os.kill(os.getpid(), signal.SIGKILL)

    assert result_of(*in_child(hold)) == -signal.SIGKILL
    follower = take(folder)
    assert follower is not None
    assert os.listdir(folder.work) == [follower.work.name]


def test_a_process_of_another_machine_is_waited_for(folder, monkeypatch):
    from umlpsd_gpu.batch.leases import lease as module

    foreign = {"host": "elsewhere", "boot": "b", "processes": "p", "pid": 1, "started": "1"}
    monkeypatch.setattr(module, "identify_this_process", lambda: foreign)
    assert take(folder) is not None
    assert take(folder) is None
    assert take(folder, later_s=TERM_S + 1) is not None


def test_a_number_serves_once_even_where_old_tokens_are_deleted(folder):
    """A claimant that slept since the first token finds its number free, and must not win."""
    first = take(folder)
    first.release()
    for _ in range(3):
        lease = take(folder)
        lease.release()
    (folder.claims("m") / "token.1").unlink(missing_ok=True)
    state = folder.claims("m")
    newest = read_last_token(state)
    sleeper_sees = newest.number - 2
    from umlpsd_gpu.batch.leases import lease as module

    original = module.read_last_token
    try:
        module.read_last_token = lambda place: (
            None if sleeper_sees == 0 else module.Token(sleeper_sees, place, {}, 0.0)
        )
        assert take(folder) is None
    finally:
        module.read_last_token = original
    assert read_last_token(state).number == newest.number
    assert os.listdir(folder.work) == []


def test_of_many_claimants_one_wins(folder, tmp_path):
    """Eight processes claim, commit and release one movie; an exclusive file proves them alone."""
    n_processes, n_turns = 8, 12
    inside, log = tmp_path / "inside", tmp_path / "log"
    log.mkdir()

    def contend():
        deadline = time.monotonic() + 30
        n = 0
        while n < n_turns and time.monotonic() < deadline:
            lease = take(folder)
            if lease is None:
                continue
            os.close(os.open(inside, os.O_CREAT | os.O_EXCL))  # fails if another holds too
            write(lease, f"{os.getpid()}")
            os.unlink(inside)
            lease.commit({})
            (log / str(lease.number)).touch(exist_ok=False)
            lease.release()
            n += 1
        return 0 if n == n_turns else 1

    children = [in_child(contend) for _ in range(n_processes)]
    assert [result_of(*child) for child in children] == [0] * n_processes
    assert len(list(log.iterdir())) == n_processes * n_turns
    assert os.listdir(folder.work) == []
    assert len([name for name in os.listdir(folder.claims("m")) if name.startswith("token")]) == 1


def test_of_many_followers_of_a_dead_holder_one_wins(folder, tmp_path):
    """Every round a holder dies; eight claimants try; the one that wins waits for the others."""
    for turn in range(10):
        assert result_of(*in_child(lambda: take(folder) is None)) == 0
        tried = tmp_path / f"tried {turn}"
        tried.mkdir()

        def follow(turn=turn, tried=tried):
            lease = take(folder)
            (tried / str(os.getpid())).touch()
            if lease is None:
                return 3
            while len(os.listdir(tried)) < 8:
                time.sleep(0.005)
            write(lease, f"{turn}")
            lease.commit({})
            lease.release()
            return 4

        children = [in_child(follow) for _ in range(8)]
        codes = sorted(result_of(*child) for child in children)
        assert codes == [3] * 7 + [4]
        assert result(folder) == f"{turn}"


@pytest.mark.parametrize("pause_before", ["rename", "renameat2"])
def test_a_holder_stopped_on_the_brink_of_its_commit_is_fenced_off(folder, pause_before):
    """SIGSTOP between the last check and the rename, for longer than the term."""
    if pause_before == "renameat2":
        lease = take(folder)
        write(lease, "old")
        lease.commit({})
        lease.release()

    def stop_then_commit():
        from umlpsd_gpu.storage import result_folder as study_folder

        def stopping(real):
            def stopped(*paths):
                os.kill(os.getpid(), signal.SIGSTOP)
                return real(*paths)

            return stopped

        lease = take(folder)
        write(lease, "late")
        path = study_folder.Path
        path.rename = stopping(path.rename)
        study_folder._exchange = stopping(study_folder._exchange)
        try:
            lease.commit({})
        except LeaseLostError:
            return 5
        return 0

    pid, _ = in_child(stop_then_commit)
    os.waitpid(pid, os.WUNTRACED)
    assert take(folder) is None, "a stopped process is no dead one before its term is over"
    follower = take(folder, later_s=TERM_S + 1)
    write(follower, "follower")
    follower.commit({})
    follower.release()
    os.kill(pid, signal.SIGCONT)
    assert result_of(pid) == 5
    assert result(folder) == "follower"


def test_left_over_folders_go_and_those_at_work_stay(folder):
    at_work = take(folder)
    abandoned = folder.work / "n-0123456789.1.abc"
    fresh = folder.work / "o-0123456789.1.abc"
    for path in (abandoned, fresh):
        path.mkdir()
    for path in (abandoned, at_work.work):
        os.utime(path, (0, 0))
    (folder.results / ".m.replaced-0123").mkdir()
    delete_leftovers(folder, read_file_system_time(folder))
    assert len(os.listdir(folder.results)) == 1, "it may be in use"
    assert set(os.listdir(folder.work)) == {fresh.name, at_work.work.name}
    delete_leftovers(folder, read_file_system_time(folder) + TERM_S + 1)
    assert os.listdir(folder.results) == []


@pytest.mark.parametrize("part", ["state", "results", "results/m", "state/m", "work"])
def test_links_out_of_the_folder_are_refused(folder, tmp_path_factory, part):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    place = folder.root / part
    if place.is_dir():
        place.rmdir()
    place.symlink_to(elsewhere)

    def use():
        folder.make()
        lease = take(folder)
        write(lease, "a")
        lease.commit({})

    with pytest.raises(OutputError, match="symbolic link"):
        use()
    assert os.listdir(elsewhere) == []
