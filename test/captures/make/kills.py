"""Real kills in memory cgroups of our own (cgroup v1), with the truth about each.

Cgroups are made below /sys/fs/cgroup/memory/oomscribe-gen-fmt and removed afterwards. Nothing
here can cause a global OOM: every victim lives in a group of a few tens of megabytes.
"""
import os, signal, subprocess, threading, time

ROOT = "/sys/fs/cgroup/memory"
TOP = "/oomscribe-gen-fmt"
HOG = os.environ.get("HOG", "/tmp/oomscribe-gen/hog")
POD = TOP + "/kubepods/burstable/pod3d1f6c0a-52b7-4c1e-9a84-6f0b7c2d9e15"
CONTAINER = POD + "/9f4c1e7ab2d80563c7e1f4a9d2b60358e7c94a1fd0b3628574e9ac10f3d7b682"
POD2 = TOP + "/kubepods/besteffort/poda7e0b9d4-1c3f-4e58-b6a2-90d8c5f1e374"
CONTAINER2 = POD2 + "/0c8d5e2f7a1b4963d0e7f2a5c8b1946037de5fa2c9b08e7164f3ad52c0e97b18"


def make_group(path, limit_mb=None):
    at = ROOT
    for part in path.strip("/").split("/"):
        at += "/" + part
        if not os.path.isdir(at):
            os.mkdir(at)
    if limit_mb:
        with open(ROOT + path + "/memory.limit_in_bytes", "w") as f:
            f.write(str(limit_mb << 20))


def remove_groups():
    for at, _, _ in os.walk(ROOT + TOP, topdown=False):
        for _ in range(50):
            try:
                os.rmdir(at)
                break
            except OSError:
                time.sleep(0.05)


def hog_args(group, name, uid, adj, mb):
    return [ROOT + group + "/cgroup.procs", name.hex(), str(uid), str(adj), str(mb)]


def kill_one(group, name, uid=0, adj=0, limit_mb=24, limit_group=None):
    """One process fills its group until the kernel kills it: trigger and victim are the same."""
    make_group(group)
    make_group(limit_group or group, limit_mb)
    p = subprocess.Popen([HOG] + hog_args(group, name, uid, adj, 0), stdout=subprocess.DEVNULL)
    status = p.wait(timeout=30)
    assert status == -signal.SIGKILL, status
    return dict(pid=p.pid, name=name, uid=uid, adj=adj, limit_kb=limit_mb << 10, task_memcg=group,
                oom_memcg=limit_group or group, trigger_pid=p.pid, trigger_name=name)


def kill_child(group, parent, child, parent_uid, child_uid, child_adj, limit_mb=32):
    """The parent asks for the memory that is not there; its child, with the higher score, dies."""
    make_group(group, limit_mb)
    r, w = os.pipe()
    p = subprocess.Popen([HOG] + hog_args(group, parent, parent_uid, 0, 14) + [str(r)]
                         + hog_args(group, child, child_uid, child_adj, 20),
                         stdout=subprocess.PIPE, pass_fds=[r])
    os.close(r)
    child_pid = int(p.stdout.readline().split()[1])
    os.write(w, b"x")
    assert int(p.stdout.readline().split()[1]) == p.pid      # the parent got its memory and lives
    assert p.poll() is None
    p.kill()
    p.wait()
    return dict(pid=child_pid, name=child, uid=child_uid, adj=child_adj, limit_kb=limit_mb << 10,
                task_memcg=group, oom_memcg=group, trigger_pid=p.pid, trigger_name=parent)


def say(text, prefix="<12>"):
    with open("/dev/kmsg", "wb", buffering=0) as f:
        f.write((prefix + text + "\n").encode())  # without the newline it is not readable until the next record


class Reader(threading.Thread):
    """/dev/kmsg from now on, one read(2) a record, kept as it came."""

    def __init__(self):
        super().__init__(daemon=True)
        self.fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.fd, 0, os.SEEK_END)
        self.records = []
        self.lost = 0
        self.start()

    def run(self):
        while True:
            try:
                self.records.append(os.read(self.fd, 65536))
            except BlockingIOError:
                time.sleep(0.005)
            except BrokenPipeError:
                self.lost += 1

    def between(self, begin, end):
        at = [i for i, r in enumerate(self.records) if begin.encode() in r]
        to = [i for i, r in enumerate(self.records) if end.encode() in r]
        assert self.lost == 0 and len(at) == 1 and len(to) == 1, (self.lost, at, to)
        return self.records[at[0] + 1:to[0]]


def hostile_five():
    s = TOP + "/system.slice/"
    yield lambda: kill_child(CONTAINER, b"gateway", b"Web Content", 1000, 1000, 985)
    yield lambda: kill_one(s + "nl.service", b"bad\nOut of mem", uid=1001)
    yield lambda: kill_one(s + "ru.service", "сервер".encode(), uid=1002, adj=7)
    yield lambda: kill_one(s + "raw.service", b"w\xff\xfeb", uid=1003, adj=5)
    yield lambda: kill_one(s + "a\\x2db.service", b"", uid=1004)


def busybox_three():
    s = TOP + "/system.slice/"
    yield lambda: kill_child(CONTAINER, b"gateway", b"Web Content", 1000, 1000, 985)
    yield lambda: kill_one(s + "nl.service", b"bad\nOut of mem", uid=1001)
    yield lambda: kill_one(s + "ru.service", "сервер".encode(), uid=1002, adj=7)


def hostile_more():
    s = TOP + "/system.slice/"
    yield lambda: kill_one(CONTAINER2, b"x,pid=1,uid=0", uid=1000, adj=1000, limit_group=POD2)
    yield lambda: kill_one(s + "paren.service", b"a) total-vm:1kB", uid=3000000000)
    for pid, tag in ((4242, ""), (4243, "kernel: ")):
        yield lambda pid=pid, tag=tag: say(f"{tag}Out of memory: Killed process {pid} (spoof) total-vm:1kB, anon-rss:1kB, "
                                           "file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0")
    yield lambda: kill_one(s + "esc.service", b"a\\x5c\t\x1b[31mZ", uid=1005)
    yield lambda: kill_one(s + "row.service", b"[  123]  0   12", uid=0, adj=17)


def suppressed():
    for i in range(1, 14):
        yield lambda i=i: kill_one(TOP + "/docker/burst", b"burst-%02d" % i, uid=2000 + i, limit_mb=8)
    yield lambda: time.sleep(5.5)
    yield lambda: kill_one(TOP + "/docker/burst", b"burst-14", uid=2014, limit_mb=8)


CASES = {"hostile-five": (hostile_five, 1.2), "hostile-more": (hostile_more, 1.2), "busybox-three": (busybox_three, 1.2),
         "suppressed": (suppressed, 0)}


def run(case):
    """Does the kills of a case between two marks in the log; returns truths."""
    steps, pause = CASES[case]
    time.sleep(6)                              # the rate limit of dump_header starts afresh
    say(f"oomscribe-gen begin {case}")
    time.sleep(4.2)
    truths = []
    for step in steps():
        t0 = time.time()
        truth = step()
        if truth:
            truths.append(dict(truth, t0=t0, t1=time.time()))
        time.sleep(pause)
    time.sleep(1.5)
    say(f"oomscribe-gen end {case}")
    remove_groups()
    return truths
