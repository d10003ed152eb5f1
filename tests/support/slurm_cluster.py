"""A real SLURM on this machine: one controller and two virtual nodes, of Debian's packages."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel")
NODES = ("v1", "v2")
START_S = 20.0
CONF = """\
ClusterName=umlpsd
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
AuthType=auth/munge
CryptoType=crypto/munge
AuthInfo=socket={root}/munge.socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool-%n
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd-%n.pid
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1
SlurmdTimeout=5
SlurmctldTimeout=5
InactiveLimit=0
KillWait=5
MinJobAge=300
ReturnToService=2
MpiDefault=none
RebootProgram=/bin/true
NodeName=v1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=2 RealMemory=4000
NodeName=v2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=2 RealMemory=4000
PartitionName=all Nodes=v1,v2 Default=YES MaxTime=60 State=UP
"""


def why_not() -> str:
    """Say why SLURM can't run here; an empty text where it can."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    missing = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if missing:
        return f"no SLURM here: {', '.join(missing)} not installed (Debian: slurmd slurmctld munge)"
    return "" if os.geteuid() == 0 else "SLURM's daemons run as root only"


@dataclass
class SlurmCluster:
    """Daemons in a folder of their own; ``with`` starts and stops them."""

    root: Path
    daemons: dict[str, subprocess.Popen] = field(default_factory=dict)

    def __enter__(self) -> SlurmCluster:
        self.root.mkdir()
        (self.root / "state").mkdir()
        self.environment = {
            **os.environ,
            "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin",
            "SLURM_CONF": str(self.root / "slurm.conf"),
        }
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *problem: object) -> None:
        if "slurmctld" in self.daemons:
            self.run("scancel", "--full", "--signal=KILL", "--user=root")
        for daemon in reversed(self.daemons.values()):
            daemon.kill()
            daemon.wait()
        self.daemons.clear()

    def _start(self) -> None:
        key = self.root / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        text = CONF.format(root=self.root, host=socket.gethostname(), ports=_free_ports(3))
        (self.root / "slurm.conf").write_text(text)
        own = {n: self.root / f"munge.{n}" for n in ("socket", "pid", "log", "seed")}
        self._daemon(
            "munged",
            *("--foreground", "--force", f"--key-file={key}", f"--socket={own['socket']}"),
            *(f"--pid-file={own['pid']}", f"--log-file={own['log']}", f"--seed-file={own['seed']}"),
        )
        _wait_for(own["socket"].exists, "munged")
        self._daemon("slurmctld", "-D", "-c", "-i")
        for node in NODES:
            self.start_node(node)
        _wait_for(lambda: self.states() == dict.fromkeys(NODES, "idle"), "the nodes")

    def start_node(self, node: str) -> None:
        self._daemon("slurmd", "-D", "-N", node, name=node)

    def kill_node(self, node: str) -> None:
        """Let a node die, with all that runs on it."""
        daemon = self.daemons.pop(node)
        daemon.kill()
        daemon.wait()
        for pid, environment in self._environments():
            if f"SLURMD_NODENAME={node}" in environment:
                _kill(pid)

    def shell_of(self, task: str) -> int | None:
        """Return the process of a task's batch script; None where there is none."""
        array, _, index = task.partition("_")
        wanted = {f"SLURM_ARRAY_JOB_ID={array}", f"SLURM_ARRAY_TASK_ID={index}"}
        found = [pid for pid, env in self._environments() if wanted <= set(env)]
        return min((p for p in found if "slurm_script" in _command(p)), default=None)

    def _environments(self) -> list[tuple[int, list[str]]]:
        """Return the processes of this cluster's jobs."""
        ours = f"SLURM_CONF={self.root / 'slurm.conf'}"
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                environment = (folder / "environ").read_bytes().decode(errors="replace")
                if ours in environment and "SLURM_JOB_ID=" in environment:
                    found.append((int(folder.name), environment.split("\0")))
        return found

    def skip_waiting(self, job: str) -> None:
        """Let requeued tasks start now: SLURM holds them back for two minutes."""
        rows = self.run("squeue", "--array", "--noheader", f"--job={job}", "--format=%i %T %r")
        for line in rows.stdout.splitlines():
            name, state, reason = line.split(maxsplit=2)
            if state == "PENDING" and reason == "BeginTime":
                self.run("scontrol", "update", f"jobid={name}", "starttime=now")

    def states(self) -> dict[str, str]:
        """Return the state of each node."""
        text = self.run("sinfo", "--Node", "--noheader", "--format=%N %t").stdout
        return dict(line.split() for line in text.splitlines() if len(line.split()) == 2)

    def run(self, *command: str, **options) -> subprocess.CompletedProcess:
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=20, **options
        )

    def tasks(self, job: str) -> dict[str, tuple[str, str]]:
        """Return state and node of the tasks of an array that are queued or at work."""
        text = self.run("squeue", "--array", "--noheader", f"--job={job}", "--format=%i %T %N")
        rows = [line.split() for line in text.stdout.splitlines()]
        return {row[0]: (row[1], row[2] if len(row) > 2 else "") for row in rows}

    def logs(self) -> str:
        """Return the ends of all logs, for failures."""
        return "\n".join(f"{p.name}: {p.read_text()[-2000:]}" for p in self.root.glob("*.log"))

    def _daemon(self, *command: str, name: str = "") -> None:
        self.daemons[name or command[0]] = subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self.root / f"{name or command[0]}.stderr.log").open("w"),
            start_new_session=True,
        )


def children_of(pid: int) -> list[int]:
    """Return the children of a process."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _wait_for(condition, what: str) -> None:
    deadline = time.monotonic() + START_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come up in {START_S:.0f} s")
        time.sleep(0.1)


def _free_ports(n: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports
