"""expected.json from what the generator knows, and from an independent reading of raw kmsg records.

Names, pids, uids, limits and cgroups are those the generator chose; only sizes, failcnt and the
number of tasks listed are read, at the right-hand end of the one record that names the pid.
"""
import json, os, re, time


def clock(reader):
    """The kernel log's clock against the wall: a line written at a known time."""
    stamp = f"oomscribe-gen clock {time.time_ns()}"
    before = time.time_ns() // 1000
    with open("/dev/kmsg", "wb", buffering=0) as f:
        f.write(b"<12>" + stamp.encode() + b"\n")
    after = time.time_ns() // 1000
    mono_now, wall_now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000, time.time_ns() // 1000
    for _ in range(100):
        hit = [r for r in reader.records if stamp.encode() in r]
        if hit:
            break
        time.sleep(0.02)
    log_us = int(hit[0].split(b";")[0].split(b",")[2])
    return dict(log_to_wall_us=(before + after) // 2 - log_us, monotonic_to_wall_us=wall_now - mono_now)


def escaped(name):
    """As /dev/kmsg prints a name: %s in printk, then non-printables and the backslash as \\xNN."""
    return b"".join(bytes([c]) if 32 <= c < 127 and c != 92 else b"\\x%02x" % c for c in name)


def kill(truth, records, clock):
    tail = re.compile(rb"total-vm:(\d+)kB, anon-rss:(\d+)kB, file-rss:(\d+)kB, shmem-rss:(\d+)kB, "
                      rb"UID:(\d+) pgtables:(\d+)kB oom_score_adj:(-?\d+)\n$")
    head = b"Killed process %d (%s) " % (truth["pid"], escaped(truth["name"]))
    at = [i for i, r in enumerate(records) if head in r and int(r.split(b",")[0]) < 8]
    assert len(at) == 1, (truth, at)
    record = records[at[0]]
    vm, anon, file, shmem, uid, pgtables, adj = map(int, tail.search(record).groups())
    assert uid == truth["uid"] and adj == truth["adj"], (truth, record)
    us = int(record.split(b",")[2])
    k = dict(pid=truth["pid"], comm=truth["name"].decode("utf-8", "replace"), tgid=truth["pid"], constraint="memcg", uid=uid,
             total_vm_kb=vm, anon_rss_kb=anon, file_rss_kb=file, shmem_rss_kb=shmem, pgtables_kb=pgtables,
             oom_score_adj=adj, monotonic_us=us, wall_us=us + clock["log_to_wall_us"])
    if any(c < 32 or c > 126 for c in truth["name"]):
        k["comm_hex"] = truth["name"].hex()
    # the report that this line ends: back to the last "invoked", if no other kill lies between
    begin = None
    for i in range(at[0] - 1, -1, -1):
        text = records[i].split(b";", 1)[1]
        if int(records[i].split(b",")[0]) >= 8:
            continue
        if b"Killed process " in text:
            break
        if b" invoked oom-killer: " in text:
            begin = i
            break
    if begin is None:
        k["head_suppressed"] = True
        return k
    report = b"".join(records[begin:at[0]])
    who = re.search(rb"CPU: \d+ UID: \d+ PID: (\d+) Comm: ", report)
    assert int(who[1]) == truth["trigger_pid"], (who, truth)
    usage = re.search(rb";memory: usage (\d+)kB, limit (\d+)kB, failcnt (\d+)\n", report)
    assert int(usage[2]) == truth["limit_kb"]
    table = report[report.index(b"Tasks state (memory"):]
    k.update(oom_memcg=truth["oom_memcg"], task_memcg=truth["task_memcg"], trigger_pid=truth["trigger_pid"],
             trigger_comm=truth["trigger_name"].decode("utf-8", "replace"), usage_kb=int(usage[1]), limit_kb=int(usage[2]),
             failcnt=int(usage[3]), tasks_listed=len(re.findall(rb";\[ *\d+\] ", table)))
    signed = uid - (1 << 32) if uid >= 1 << 31 else uid     # the summary line and the table print %d
    memcg = b"oom_memcg=%s,task_memcg=%s,task=%s,pid=%d,uid=%d\n" % (
        escaped(truth["oom_memcg"].encode()), escaped(truth["task_memcg"].encode()), escaped(truth["name"]), truth["pid"], signed)
    assert memcg in report, (memcg, report[-400:])
    return k


# written into /dev/kmsg by a program, as facility 1 (user): nobody was killed
SPOOFS = {"hostile-more": [dict(pid=4242, facility=1, level=4, text="Out of memory: Killed process 4242 (spoof) …"),
                           dict(pid=4243, facility=1, level=4, text="kernel: Out of memory: Killed process 4243 (spoof) …")]}


def expected(case, truths, records, clock):
    return dict(
        case=case,
        source="real kills on Linux 6.18.44, memory controller on cgroup v1, made by make/kills.py",
        clock=dict(clock, note="wall_us = the record's own microseconds + log_to_wall_us, a line written at a known time; "
                               "good to 5 ms. "
                               "dmesg -T and iso count from the time of boot: here 0.53 s early, allow 2 s. "
                               "journald and imklog stamp the moment of reading: 3-5 ms late here, allow 1 s. "
                               "imkmsg counts from boot in whole seconds: up to 0.95 s early, not even monotonous; allow 2 s."),
        truth=[dict(pid=t["pid"], task_memcg=t["task_memcg"], oom_memcg=t["oom_memcg"]) for t in truths],
        kills=[kill(t, records, clock) for t in truths],
        spoofs=SPOOFS.get(case, []),
        files={})


def variants(name, kind):
    """The names that a reader may give for a victim whose name this kind of file cannot hold."""
    exact = name.decode("utf-8", "replace")
    out = [exact]
    try:
        name.decode("utf-8")
        valid = True
    except UnicodeDecodeError:
        valid = False
    if b"\n" in name and kind in ("dmesg", "dmesg-C", "noescape", "journal", "journal-a", "imklog"):
        out.append(name.split(b"\n")[0].decode())
    if kind == "dmesg-C" and any(c > 126 for c in name) or kind == "dmesg" and not valid:
        out.append("".join(chr(c) if 32 <= c < 127 else f"\\x{c:02x}" for c in name))
    control = [c for c in name if c < 32 and c != 10]
    if control and kind in ("dmesg", "dmesg-C"):     # as it stands; the backslash itself is not escaped
        out.append("".join(chr(c) if 32 <= c < 127 or c == 9 else f"\\x{c:02x}" for c in name))
    if control and kind == "noescape":                # a reader that takes colours out takes these out too
        out.append(re.sub("\x1b\\[[0-9;]*m", "", exact))
    if control and kind == "journal":                 # colours are taken out, a tab becomes eight blanks
        out.append(re.sub("\x1b\\[[0-9;]*m", "", exact).replace("\t", " " * 8))
    return list(dict.fromkeys(out))


def kind_of(file, entry):
    if file.endswith((".kmsg", ".export")) or file.startswith("rsyslog-imkmsg"):
        return "exact"
    if file.startswith("rsyslog-imklog"):
        return "imklog"
    if file.startswith(("busybox", "messages")):
        return "dmesg"
    if file.startswith(("typescript", "tmux")):
        return "dmesg"
    if file.startswith("dmesg"):
        if file.endswith(".json"):
            return "exact"
        if "noescape" in file:
            return "noescape"
        return "dmesg-C" if "LC_ALL=C " in entry["format"] else "dmesg"
    if "json" in file:
        return "exact"
    return "journal-a" if file.endswith("-a.log") else "journal"


def fill(file, entry, kills, data):
    """Says for each file which kills and which names it cannot tell."""
    kind = kind_of(file, entry)
    lost = entry["lost"] = dict(entry["lost"])
    here = [k for k in kills if "pids" not in entry or k["pid"] in entry["pids"]]
    blob, names = [], {}
    for k in here:
        name = bytes.fromhex(k["comm_hex"]) if "comm_hex" in k else k["comm"].encode()
        readable = b"Killed process %d (" % k["pid"] in (data.replace(b"\n", b"") if "tmux" in file else data)
        if kind == "journal" and not readable:
            assert b"B blob data]" in data and "comm_hex" in k, (file, k)
            blob.append(k["pid"])
            continue
        if not readable:      # a message that is an array of bytes, in journalctl's JSON only
            assert "journalctl-json" in file, (file, k)
        v = variants(name, kind)
        if len(v) > 1:
            names[str(k["pid"])] = v
    if blob:
        lost["kills"] = blob
    if names:
        lost["comm"] = names
    return entry


def save(path, value):
    with open(path, "w") as f:
        json.dump(value, f, ensure_ascii=False, indent=1)
        f.write("\n")
