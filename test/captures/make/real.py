"""real.py OUT CASE...: makes the kills of each case and saves them by every real tool.

Needs root, cgroup v1 with the memory controller, gcc, util-linux, systemd, rsyslog, busybox and
tmux. BUSYBOX comes from the environment. What each file holds and what it cannot hold is in expected.json beside it.
"""
import datetime, os, signal, subprocess, sys, time, zoneinfo
import kills, truth as T

HERE = os.path.dirname(os.path.abspath(__file__))
WORK = "/tmp/oomscribe-gen"
BUSYBOX = os.environ.get("BUSYBOX", "busybox")
UTF8 = {"LC_ALL": "C.UTF-8", "TZ": "UTC"}


def sh(args, env=None, **kw):
    e = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **UTF8, **(env or {})}
    return subprocess.run(args, env=e, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True, **kw).stdout


def cut(data, case, begins=False):
    """Only the lines between the marks; nothing else is changed. With begins the first mark is not there."""
    lines = data.split(b"\n")
    at = [i for i, l in enumerate(lines) if f"oomscribe-gen begin {case}".encode() in l]
    to = [i for i, l in enumerate(lines) if f"oomscribe-gen end {case}".encode() in l]
    if begins:
        assert not at, at
        at = [-1]
    assert at and to, (case, len(at), len(to), data[-300:])
    return b"\n".join(lines[at[-1] + 1:to[-1]]) + b"\n"


def cut_json(data, case):
    body = data.decode("latin-1")
    a = body.index("}", body.rindex(f"oomscribe-gen begin {case}")) + 2
    b = body.rindex("},", 0, body.rindex(f"oomscribe-gen end {case}")) + 1
    head = body[:body.index("[") + 1]
    return (head + body[a:b] + "\n   ]\n}\n").encode("latin-1")


def dmesg_files(case, core, truths):
    """(file, arguments, environment, what the file cannot tell)"""
    facility = dict(origin=True)
    full = [
        ("dmesg", [], {}, "monotonic", facility),
        ("dmesg-T", ["-T"], {}, "wall-s", facility),
        ("dmesg-x", ["-x"], {}, "monotonic", {}),
        ("dmesg-J.json", ["-J"], {}, "monotonic", facility),
        ("dmesg-J-x.json", ["-J", "-x"], {}, "monotonic", {}),
        ("dmesg-r", ["-r"], {}, "monotonic", facility),
        ("dmesg-t", ["-t"], {}, "none", facility),
        ("dmesg-d", ["-d"], {}, "monotonic", facility),
        ("dmesg-e", ["-e"], {}, "wall-min", facility),
        ("dmesg-iso", ["--time-format", "iso"], {}, "wall-us", facility),
        ("dmesg-ctime", ["--time-format", "ctime"], {"TZ": "Europe/Berlin"}, "wall-s", facility),
        ("dmesg-reltime", ["--time-format", "reltime"], {"TZ": "Asia/Kolkata"}, "wall-min", facility),
        ("dmesg-delta", ["--time-format", "delta"], {}, "delta", facility),
        ("dmesg-notime", ["--time-format", "notime", "-x"], {}, "none", {}),
        ("dmesg-color", ["-L=always"], {}, "monotonic", facility),
        ("dmesg-color-T-x", ["-L=always", "-T", "-x"], {}, "wall-s", {}),
        ("dmesg-H", ["-H", "-P", "-L=always"], {}, "wall-min", facility),
        ("dmesg-H-plain", ["-H", "-P", "-L=never"], {"LC_ALL": "C"}, "wall-min", facility),
        ("dmesg-S", ["-S"], {}, "monotonic", facility),
        ("dmesg-S-x", ["-S", "-x"], {}, "monotonic", {}),
        ("dmesg-S-T", ["-S", "-T"], {"TZ": "America/New_York"}, "wall-s", facility),
        ("dmesg-S-r", ["-S", "-r"], {}, "monotonic", {}),
        ("dmesg-T-x", ["-T", "-x"], {"TZ": "America/New_York"}, "wall-s", {}),
        ("dmesg-d-e", ["-d", "-e"], {}, "delta", facility),
        ("dmesg-iso-x", ["--time-format", "iso", "-x"], {"TZ": "Asia/Kolkata"}, "wall-us", {}),
        ("dmesg-p-T", ["-p", "-T"], {}, "wall-s", facility),
        ("dmesg-C", [], {"LC_ALL": "C"}, "monotonic", facility),
        ("dmesg-C-J.json", ["-J"], {"LC_ALL": "C"}, "monotonic", facility),
        ("dmesg-noescape", ["--noescape"], {}, "monotonic", facility),
    ]
    if core == "core":
        full = [f for f in full if f[0] in ("dmesg", "dmesg-x", "dmesg-J.json", "dmesg-J-x.json", "dmesg-r", "dmesg-t", "dmesg-S", "dmesg-S-r", "dmesg-S-x", "dmesg-noescape", "dmesg-color", "dmesg-C", "dmesg-iso")]
    if core == "few":
        full = [f for f in full if f[0] in ("dmesg-T",)]
    for name, args, env, when, lost in full:
        begins = "-e" in args and "-d" not in args or "-H" in args or "reltime" in args
        if begins:           # so that the first line has the wall time that these formats give
            zone = zoneinfo.ZoneInfo(env.get("TZ", "UTC"))
            since = datetime.datetime.fromtimestamp(int(truths[0]["t0"] - 2.2), zone)
            args = args + [f"--since={since:%Y-%m-%d %H:%M:%S}"]
        data = sh(["dmesg"] + args, env)
        data = cut_json(data, case) if "-J" in args else cut(data, case, begins)
        command = " ".join([f"{k}={v}" for k, v in sorted({**UTF8, **env}.items())] + ["dmesg"] + args)
        yield name if "." in name else name + ".log", data, dict(
            format=command + " (util-linux 2.38.1)", tz=env.get("TZ", "UTC"), time=when, lost=lost)


def busybox_files(case):
    for name, args in (("busybox-dmesg", []), ("busybox-dmesg-r", ["-r"])):
        data = sh([BUSYBOX, "dmesg", "-s", "8000000"] + args)
        yield name + ".log", cut(data, case), dict(format=" ".join(["busybox dmesg"] + args) + " (1.35.0)", time="monotonic",
                                                   lost={} if args else dict(origin=True))


def terminal_files(case):
    """A terminal in between: script(1), and the scrollback of an 80-column tmux."""
    raw = WORK + "/typescript"
    sh(["script", "-q", "-c", "dmesg", raw], {"TERM": "xterm-256color"})
    data = open(raw, "rb").read()
    lines = data.split(b"\n")
    yield "typescript.log", lines[0] + b"\n" + cut(data, case) + b"\n" + b"\n".join(lines[-2:]), dict(
        format="script -q -c dmesg (util-linux 2.38.1; colours, CR LF, lines of its own first and last)", time="monotonic", lost=dict(origin=True))
    tmux = ["tmux", "-L", "oomscribe-gen", "-f", "/dev/null"]
    count = len(cut(sh(["dmesg"]), case).split(b"\n")) + 20
    sh(tmux + ["start-server", ";", "set-option", "-g", "history-limit", "20000", ";", "new-session", "-d", "-x", "80", "-y", "24",
               f"LC_ALL=C.UTF-8 dmesg -T | tail -n {count}; sleep 60"])
    time.sleep(1.5)
    data = sh(tmux + ["capture-pane", "-p", "-S", "-", "-E", "-"])
    sh(tmux + ["kill-server"])
    yield "tmux-80-columns.log", cut(data, case), dict(
        format="dmesg -T in an 80-column tmux, tmux capture-pane -p -S - (long lines broken by the screen, blanks at their end cut)",
        time="wall-s", tz="UTC", lost=dict(origin=True, wrapped=80))


def journal_files(journal, truths, core):
    since, until = truths[0]["t0"] - 0.5, truths[-1]["t1"] + 0.9
    two = [t for t in truths if t["name"] in (b"bad\nOut of mem", b"w\xff\xfeb")]
    line = dict(origin=True, level=True)
    full = [
        ("short.log", ["-o", "short"], {}, "wall-s", dict(line, year=True), 0),
        ("short-full.log", ["-o", "short-full"], {"TZ": "America/New_York"}, "wall-s", line, 0),
        ("short-iso.log", ["-o", "short-iso"], {"TZ": "Asia/Kolkata"}, "wall-s", line, 0),
        ("short-iso-precise.log", ["-o", "short-iso-precise"], {}, "wall-us", line, 0),
        ("short-precise.log", ["-o", "short-precise"], {}, "wall-us", dict(line, year=True), 0),
        ("short-monotonic.log", ["-o", "short-monotonic"], {}, "monotonic", line, 0),
        ("short-delta.log", ["-o", "short-delta"], {}, "monotonic", line, 0),
        ("short-unix.log", ["-o", "short-unix"], {}, "wall-us", line, 0),
        ("with-unit.log", ["-o", "with-unit"], {"TZ": "Europe/Berlin"}, "wall-s", line, 0),
        ("cat.log", ["-o", "cat"], {}, "none", line, 0),
        ("short-no-hostname.log", ["-o", "short", "--no-hostname"], {}, "wall-s", dict(line, year=True), 0),
        ("short-iso-no-hostname.log", ["-o", "short-iso", "--no-hostname"], {}, "wall-s", line, 0),
        ("short-a.log", ["-o", "short", "-a"], {}, "wall-s", dict(line, year=True), 0),
        ("cat-a.log", ["-o", "cat", "-a"], {}, "none", line, 0),
        ("short-utc.log", ["-o", "short-full", "--utc"], {"TZ": "America/New_York"}, "wall-s", line, 1),
        ("short-C.log", ["-o", "short"], {"LC_ALL": "C"}, "wall-s", dict(line, year=True), 0),
        ("short-reverse.log", ["-o", "short-precise", "-r"], {}, "wall-us", dict(line, year=True), 1),
        ("export.export", ["-o", "export"], {}, "wall-us", {}, 0),
        ("json.jsonl", ["-o", "json"], {}, "wall-us", {}, 1),
        ("json-fields.jsonl", ["-o", "json", "--output-fields=MESSAGE,SYSLOG_FACILITY,PRIORITY"], {}, "wall-us", {}, 0),
        ("json-message-only.jsonl", ["-o", "json", "--output-fields=MESSAGE"], {}, "wall-us", dict(origin=True), 1),
        ("json-pretty.json", ["-o", "json-pretty"], {}, "wall-us", {}, 1),
        ("json-sse.log", ["-o", "json-sse"], {}, "wall-us", {}, 1),
        ("json-seq.log", ["-o", "json-seq"], {}, "wall-us", {}, 1),
        ("verbose.log", ["-o", "verbose"], {}, "wall-us", {}, 1),
        ("verbose-a.log", ["-o", "verbose", "-a", "--output-fields=MESSAGE"], {}, "wall-us", dict(origin=True), 1),
        ("verbose-fields.log", ["-o", "verbose", "--output-fields=MESSAGE,SYSLOG_FACILITY"], {}, "wall-us", {}, 1),
    ]
    if core == "core":
        full = [f for f in full if f[0] in ("short.log", "short-a.log", "cat.log", "export.export", "json-fields.jsonl")]
    if core == "few":
        full = [f for f in full if f[0] in ("short.log",)]
    for name, args, env, when, lost, short in full:
        pids = None
        if short:
            pids = [t["pid"] for t in two]
            data = b""
            parts = []
            for t in two:
                parts.append(sh(["journalctl", "--file", journal, "-q", f"--since=@{t['t0'] - 0.3:.6f}",
                                 f"--until=@{t['t1'] + 0.3:.6f}"] + args, env))
            if "-r" in args:
                parts.reverse()
            data = b"".join(parts)
        else:
            data = sh(["journalctl", "--file", journal, "-q", f"--since=@{since:.6f}", f"--until=@{until:.6f}"] + args, env)
        command = " ".join([f"{k}={v}" for k, v in sorted({**UTF8, **env}.items())] + ["journalctl -q --since … --until …"] + args)
        entry = dict(format=command + " (systemd 252.39)", tz="UTC" if "--utc" in args else env.get("TZ", "UTC"), time=when, lost=dict(lost))
        if pids:
            entry["pids"] = pids
        yield "journalctl-" + name, data, entry


def stop(p):
    p.send_signal(signal.SIGTERM)
    p.wait(timeout=20)


def main():
    out, cases = sys.argv[1], sys.argv[2:]
    busybox = cases == ["busybox-three"]       # /proc/kmsg can have one reader only: a run of its own
    subprocess.run(["rm", "-rf", WORK])
    os.makedirs(WORK)
    subprocess.run(["gcc", "-O1", "-static", "-o", WORK + "/hog", HERE + "/hog.c"], check=True)
    reader = kills.Reader()
    daemons = [] if busybox else [subprocess.Popen(["unshare", "-m", "-u", HERE + "/sandbox.sh", WORK])]
    inputs = {"imklog": 'module(load="imklog" permitNonKernelFacility="on")',
              "imkmsg": 'module(load="imkmsg")',
              "imklog-parsed": '$EscapeControlCharactersOnReceive off\nmodule(load="imklog" permitNonKernelFacility="on" parseKernelTimestamp="on" keepKernelTimestamp="off")'}
    template = open(HERE + "/rsyslog.conf.in").read()

    def rsyslog(name):
        conf = WORK + f"/{name}.conf"
        with open(conf, "w") as f:
            f.write(template.replace("@WORK@", WORK).replace("@NAME@", name).replace("@INPUT@", inputs[name]))
        return subprocess.Popen(["unshare", "-u", "sh", "-c", f"hostname worker-7; TZ=UTC exec rsyslogd -n -f {conf} -i {WORK}/{name}.pid"])

    if busybox:
        daemons = []
        # syslogd and klogd in one mount namespace with a /dev of their own, so that /dev/log is theirs
        script = (f"mount --make-rprivate /; hostname worker-7; mkdir -p {WORK}/bdev; mount -t tmpfs tmpfs {WORK}/bdev; "
                  f"for d in kmsg null zero; do touch {WORK}/bdev/$d; mount --bind /dev/$d {WORK}/bdev/$d; done; mount --rbind {WORK}/bdev /dev; "
                  f"export TZ=UTC; {BUSYBOX} syslogd -n -O {WORK}/messages & S=$!; sleep 1; {BUSYBOX} klogd -n & K=$!; "
                  "trap 'kill $K $S; wait' TERM; wait")
        daemons.append(subprocess.Popen(["unshare", "-m", "-u", "sh", "-c", script]))
    else:
        daemons.append(rsyslog("imkmsg"))
        daemons.append(rsyslog("imklog"))
    time.sleep(3)
    results = {}
    try:
        for case in cases:
            core = {"hostile-five": "all", "hostile-more": "core", "suppressed": "few", "busybox-three": "busybox"}[case]
            truths = kills.run(case)
            time.sleep(1)
            clock = T.clock(reader)
            results[case] = (core, truths, clock, list(busybox_files(case) if busybox else dmesg_files(case, core, truths)) + (list(terminal_files(case)) if core == "all" else []))
            print(case, [t["pid"] for t in truths], flush=True)
        time.sleep(3)
    finally:
        for d in daemons:
            stop(d)
        kills.remove_groups()
    journal = "" if busybox else subprocess.check_output(["find", WORK + "/journal", "-name", "*.journal"], text=True).split()[0]
    for case, (core, truths, clock, files) in results.items():
        folder = os.path.join(out, case)
        os.makedirs(folder, exist_ok=True)
        records = reader.between(f"oomscribe-gen begin {case}", f"oomscribe-gen end {case}")
        raw = b"".join(records)
        files.insert(0, ("kernel.kmsg", raw, dict(format="/dev/kmsg, record by record as read(2) gave them", time="monotonic", lost={})))
        if busybox:
            data = cut(open(WORK + "/messages", "rb").read(), case)
            files.append(("messages.log", data, dict(format="busybox syslogd -O messages and busybox klogd (1.35.0)", tz="UTC", time="wall-s",
                                                     lost=dict(year=True, origin=True))))
        else:
            files += list(journal_files(journal, truths, core))
            files += list(rsyslog_files(case, core))
        expected = T.expected(case, truths, records, clock)
        for name, data, entry in files:
            with open(os.path.join(folder, name), "wb") as f:
                f.write(data)
            expected["files"][name] = T.fill(name, entry, expected["kills"], data)
        T.save(os.path.join(folder, "expected.json"), expected)


def rsyslog_files(case, core):
    names = [
        ("imklog", "traditional.log", "RSYSLOG_TraditionalFileFormat", "wall-s", dict(origin=True, level=True, year=True)),
        ("imklog", "file.log", "RSYSLOG_FileFormat", "wall-us", dict(origin=True, level=True)),
        ("imklog", "rfc5424.log", "RSYSLOG_SyslogProtocol23Format", "wall-us", {}),
        ("imklog", "forward.log", "RSYSLOG_TraditionalForwardFormat", "wall-s", dict(year=True)),
        ("imklog", "json.jsonl", "a JSON list template (option.jsonf)", "wall-us", {}),
        ("imkmsg", "traditional.log", "RSYSLOG_TraditionalFileFormat", "wall-s", dict(origin=True, level=True, year=True)),
        ("imkmsg", "file.log", "RSYSLOG_FileFormat", "wall-us", dict(origin=True, level=True)),
        ("imkmsg", "rfc5424.log", "RSYSLOG_SyslogProtocol23Format", "wall-us", {}),
        ("imkmsg", "json.jsonl", "a JSON list template (option.jsonf)", "wall-us", {}),
    ]
    if core == "core":
        names = [n for n in names if n[1] in ("file.log", "json.jsonl")]
    if core == "few":
        names = []
    for module, suffix, what, when, lost in names:
        data = cut(open(f"{WORK}/{module}-{suffix}", "rb").read(), case)
        extra = " with permitNonKernelFacility=on" if module == "imklog" else ""
        yield f"rsyslog-{module}-{suffix}", data, dict(format=f"rsyslogd 8.2302 {module}{extra}, {what}", tz="UTC", time=when, lost=lost)


if __name__ == "__main__":
    main()
