"""wrap.py FORMATS: puts real lines of hostile-five into the wrappers that logs are carried in.

Three kills only (Web Content, the name with a newline, сервер). Two files are made by real tools
and say so: rsyslog's escapes (imuxsock), and dmesg of a newer util-linux (DMESG_NEW in the
environment: the command line of a dmesg that knows --kmsg-file). The rest is composed here, each
to the format that its tool documents; expected.json says "derived".
"""
import datetime, gzip, json, os, re, socket, subprocess, sys, time, zlib
import truth as T

OUT = sys.argv[1]
SOURCE = os.path.join(OUT, "hostile-five")
WORK = "/tmp/oomscribe-wrap"
DMESG_NEW = os.environ.get("DMESG_NEW", "").split()
given = json.load(open(SOURCE + "/expected.json"))
KILLS = given["kills"][:3]
OFFSET = given["clock"]["log_to_wall_us"]
HOST, POD = "worker-7", "kmsg-reader-x7k2p"


def read(name):
    return open(f"{SOURCE}/{name}", "rb").read()


def upto(lines, pid):
    """Lines up to the kill line of pid (with the rest of it, where a newline in the name breaks it)."""
    at = max(i for i, l in enumerate(lines) if b"Killed process %d (" % pid in l)
    return lines[:at + 1]


LAST = KILLS[-1]["pid"]
RECORDS = upto(read("kernel.kmsg").split(b"\n"), LAST)
LINES = upto(read("dmesg.log").split(b"\n"), LAST)            # as dmesg printed them
LINES_T = upto(read("dmesg-T.log").split(b"\n"), LAST)
JOURNAL = upto(read("journalctl-short-iso.log").split(b"\n"), LAST)


def unescape(b):
    return re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), b)


def records():
    """(priority, sequence, microseconds, message) of each record, unescaped."""
    for r in RECORDS:
        head, text = r.split(b";", 1)
        p, seq, us = head.split(b",")[:3]
        yield int(p), int(seq), int(us), unescape(text).decode()


def timed():
    """(wall µs, line) of each dmesg line; a continuation has the time of the line before."""
    us = 0
    for line in LINES:
        m = re.match(rb"\[ *(\d+)\.(\d{6})\] ", line)
        if m:
            us = int(m[1]) * 1000000 + int(m[2]) + OFFSET
        yield us, line.decode()


def stamp(us, digits=6, tz="Z"):
    t = datetime.datetime.fromtimestamp(us // 1000000, datetime.timezone.utc)
    frac = f"{us % 1000000:06d}" + "123"
    return t.strftime("%Y-%m-%dT%H:%M:%S") + ("." + frac[:digits] if digits else "") + tz


def syslog_stamp(us):
    t = datetime.datetime.fromtimestamp(us // 1000000, datetime.timezone.utc)
    return t.strftime("%b %e %H:%M:%S")


def j(v):
    return json.dumps(v, ensure_ascii=False, separators=(",", ":"))


def lines_of(rows):
    return ("\n".join(rows) + "\n").encode()


FILES = {}
ORIGIN = dict(origin=True)
CONTINUED = {str(k["pid"]): [k["comm"], k["comm"].split("\n")[0]] for k in KILLS if "\n" in k["comm"]}


def add(name, data, what, when="wall-us", lost=None, split=True, also="monotonic", **more):
    lost = dict(ORIGIN if lost is None else lost)
    if split:
        lost["comm"] = {**CONTINUED, **lost.get("comm", {})}
    entry = dict(format="derived: " + what, time=when, lost=lost, **more)
    if also and when.startswith("wall"):
        entry["also"] = also
    FILES[name] = (data, entry)


# --- containers -------------------------------------------------------------------------------
add("docker-json-file.jsonl", lines_of(j({"log": l + "\n", "stream": "stdout", "time": stamp(us, 9)}) for us, l in timed()),
    "docker's json-file driver over dmesg lines")


def cri():
    for us, l in timed():
        t = stamp(us, 9)
        if len(l) > 120:                       # containerd cuts at 16 KiB; here at 120, so that it happens
            parts = [l[i:i + 120] for i in range(0, len(l), 120)]
            yield from (f"{t} stdout P {p}" for p in parts[:-1])
            yield f"{t} stdout F {parts[-1]}"
        else:
            yield f"{t} stdout F {l}"


add("cri.log", lines_of(cri()), "CRI (containerd, CRI-O) over dmesg lines; long lines in parts, P … P F")
add("cri-windows-offset.log", lines_of(f"{stamp(us, 9, '+00:00')} stderr F {l}" for us, l in timed()), "CRI with a numeric offset, stderr, over dmesg lines")


def klog():
    for p, seq, us, text in records():
        t = datetime.datetime.fromtimestamp((us + OFFSET) / 1e6, datetime.timezone.utc)
        yield f"{'E' if p < 4 else 'W' if p == 4 else 'I'}{t:%m%d %H:%M:%S}.{(us + OFFSET) % 1000000:06d}       1 kmsg.go:142] {text}"


add("klog.log", lines_of(klog()), "klog header in front of each record's text", lost=dict(origin=True, year=True, tz=True), also=None)
add("kubectl-logs-prefix.log", lines_of(f"[pod/{POD}/reader] {l}" for _, l in timed()), "kubectl logs --prefix over dmesg lines", "monotonic")
add("kubectl-logs-timestamps.log", lines_of(f"{stamp(us, 9)} {l}" for us, l in timed()), "kubectl logs --timestamps over dmesg lines")
add("kubectl-logs-prefix-timestamps.log", lines_of(f"[pod/{POD}/reader] {stamp(us, 9)} {l}" for us, l in timed()), "kubectl logs --prefix --timestamps over dmesg lines")
add("kubectl-logs-kmsg.log", b"\n".join(RECORDS) + b"\n", "kubectl logs of a program that copies /dev/kmsg: raw records", "monotonic", lost={}, split=False)
add("stern.log", lines_of(f"{POD} reader {l}" for _, l in timed()), "stern over dmesg lines", "monotonic")
add("docker-compose.log", lines_of(f"reader-1  | {l}" for _, l in timed()), "docker compose logs over dmesg lines", "monotonic")
add("docker-compose-color.log", lines_of(f"\x1b[36mreader-1  |\x1b[0m {l}" for _, l in timed()), "docker compose logs in colour over dmesg lines", "monotonic")
add("ssh-prefix.log", lines_of(f"{HOST}: {l}" for _, l in timed()), "pdsh: the host's name and a colon before dmesg lines", "monotonic")
add("node-logs.log", lines_of(f"{HOST} {l.decode()}" for l in JOURNAL), "the host's name before journalctl lines (oc adm node-logs)", "wall-s", also=None, tz="Asia/Kolkata")

# --- log stores -------------------------------------------------------------------------------
add("logcli.jsonl", lines_of(j({"labels": {"job": "kmsg", "node_name": HOST}, "line": l, "timestamp": stamp(us, 9)}) for us, l in timed()),
    "logcli -o jsonl over dmesg lines")
add("logcli-default.log", lines_of(f'{stamp(us, 0)} {{job="kmsg", node_name="{HOST}"}} {l}' for us, l in timed()), "logcli default output over dmesg lines", "wall-s")
add("logcli-raw.log", lines_of(l for _, l in timed()), "logcli -o raw over dmesg lines", "monotonic")
loki = {"status": "success", "data": {"resultType": "streams", "result": [
    {"stream": {"job": "kmsg", "node_name": HOST}, "values": [[str(us * 1000), l] for us, l in timed()]}]}}
add("loki-query-range.json", (j(loki) + "\n").encode(), "Loki's query_range answer, one JSON document on one line, over dmesg lines")
journal_records = [(p, seq, us, text) for p, seq, us, text in records()]
add("message.jsonl", lines_of(j({"message": text}) for _, _, _, text in journal_records), "{\"message\":…}, one a record, no time", "none", split=False)
cw = {"events": [{"logStreamName": HOST, "timestamp": (us + OFFSET) // 1000, "message": text, "ingestionTime": (us + OFFSET) // 1000 + 900, "eventId": str(seq)}
                 for _, seq, us, text in journal_records], "searchedLogStreams": []}
add("cloudwatch.json", (json.dumps(cw, indent=4) + "\n").encode(), "aws logs filter-log-events (indented JSON, non-ASCII as \\u)", "wall-ms", split=False, also=None)
gcp = [{"insertId": f"{seq:x}", "jsonPayload": {"MESSAGE": text, "PRIORITY": str(p & 7), "SYSLOG_FACILITY": str(p >> 3), "SYSLOG_IDENTIFIER": "kernel",
        "_HOSTNAME": HOST, "_TRANSPORT": "kernel", "_SOURCE_MONOTONIC_TIMESTAMP": str(us)},
        "logName": "projects/example/logs/node-journal", "resource": {"labels": {"node_name": HOST}, "type": "k8s_node"},
        "severity": "ERROR" if p & 7 == 3 else "INFO", "timestamp": stamp(us + OFFSET)} for p, seq, us, text in journal_records]
two = [e for e in gcp if KILLS[0]["monotonic_us"] < int(e["jsonPayload"]["_SOURCE_MONOTONIC_TIMESTAMP"]) <= KILLS[1]["monotonic_us"]]
two_pids = [KILLS[1]["pid"]]
add("gcloud-logging.json", (json.dumps(two, indent=2, ensure_ascii=False) + "\n").encode(), "gcloud logging read --format=json --order=asc of journal entries", lost={}, split=False, pids=two_pids)
add("gcloud-logging.jsonl", lines_of(j(e) for e in gcp), "gcloud logging entries, one a line", lost={}, split=False)
add("gcloud-logging-desc.json", (json.dumps(two[::-1], indent=2, ensure_ascii=False) + "\n").encode(), "gcloud logging read --format=json, newest first (its default)", lost={}, split=False, order="newest first", pids=two_pids)
add("filebeat.jsonl", lines_of(j({"@timestamp": stamp(us + OFFSET, 3), "@metadata": {"beat": "filebeat", "type": "_doc", "version": "8.15.0"}, "message": text,
     "host": {"name": HOST}, "syslog": {"facility": p >> 3, "priority": p & 7, "identifier": "kernel"}}) for p, _, us, text in journal_records),
    "filebeat (journald input): syslog.facility is kept", "wall-ms", lost={}, split=False, also=None)
es = {"took": 3, "timed_out": False, "hits": {"total": {"value": len(gcp), "relation": "eq"}, "hits": [
    {"_index": "kernel", "_id": str(seq), "_source": {"@timestamp": stamp(us + OFFSET, 3), "message": text}} for p, seq, us, text in journal_records]}}
add("elasticsearch-search.json", (j(es) + "\n").encode(), "an answer of Elasticsearch's _search on one line", "wall-ms", split=False, also=None)
add("fluent-bit-stdout.log", lines_of(
    f'[{i % 40}] kmsg.0: [[{(us + OFFSET) // 1000000}.{(us + OFFSET) % 1000000:06d}000, {{}}], {{"priority"=>{p & 7}, "sequence"=>{seq}, "sec"=>{us // 1000000}, "usec"=>{us % 1000000}, "msg"=>"{T.escaped(text.encode()).decode()}"}}]'
    for i, (p, seq, us, text) in enumerate(journal_records)), "fluent-bit's stdout output of its kmsg input (non-printables as /dev/kmsg escapes them)", split=False)
add("gelf.jsonl", lines_of(j({"version": "1.1", "host": HOST, "short_message": text, "timestamp": (us + OFFSET) / 1e6, "level": p & 7, "_facility": "kern"})
    for p, _, us, text in journal_records), "GELF", lost={}, split=False, also=None)

# --- syslog -----------------------------------------------------------------------------------
add("rfc3164-pri.log", lines_of(f"<{p}>{syslog_stamp(us + OFFSET)} {HOST} kernel: [{us // 1000000:5d}.{us % 1000000:06d}] {l}"
    for p, _, us, text in journal_records for l in text.split("\n")), "RFC 3164 with priority, as sent on the wire", "wall-s", lost=dict(year=True))
add("rfc3164-octal.log", lines_of(f"{syslog_stamp(us + OFFSET)} {HOST} kernel: [{us // 1000000:5d}.{us % 1000000:06d}] " + text.replace("\n", "#012").replace("\t", "#011")
    for p, _, us, text in journal_records), "RFC 3164 file with rsyslog's octal escapes (#012)", "wall-s", split=False,
    lost=dict(year=True, origin=True, comm={p: v + [v[0].replace("\n", "#012")] for p, v in CONTINUED.items()}))

# --- consoles ---------------------------------------------------------------------------------
add("serial.log", ("\r\n".join(f"[{us // 1000000:5d}.{us % 1000000:06d}] {l}" for _, _, us, text in journal_records for l in text.split("\n")) + "\r\n").encode(),
    "serial console: CR LF, every line of a record with its time", "monotonic")
boot = ["\x1b[2J\x1b[01;01H\x1b[=3h", "", "Debian GNU/Linux 12 worker-7 ttyS0", "", "worker-7 login: "]
add("serial-ansi.log", ("\r\n".join(boot) + "\r\n".join(f"\x1b[0m[{us // 1000000:5d}.{us % 1000000:06d}] {l}\x1b[K" for _, _, us, text in journal_records for l in text.split("\n"))
    + "\r\n").encode(), "serial console with ANSI sequences; the first record follows a login prompt on the same line", "monotonic")


owner = None
CALLERS = []
for p, seq, us, text in journal_records:
    for k in KILLS:
        if us <= k["monotonic_us"]:
            owner = k["trigger_pid"]
            break
    CALLERS.append(owner)
add("caller-console.log", lines_of(f"[{us // 1000000:5d}.{us % 1000000:06d}][{f'T{c}':>6}] {l}" for (p, _, us, text), c in zip(journal_records, CALLERS) for l in text.split("\n")),
    "console of a kernel with CONFIG_PRINTK_CALLER", "monotonic")
add("caller-syslog.log", lines_of(f"<{p}>[{us // 1000000:5d}.{us % 1000000:06d}][{f'T{c}':>6}] {l}" for (p, _, us, text), c in zip(journal_records, CALLERS) for l in text.split("\n")),
    "the same by syslog(2) (dmesg -S -r)", "monotonic", lost={})
kmsg_caller = b"".join(re.sub(rb"^(\d+,\d+,\d+,[-c])", rb"\1,caller=T%d" % c, r) + b"\n" for r, c in zip(RECORDS, CALLERS))
add("caller.kmsg", kmsg_caller, "/dev/kmsg of a kernel with CONFIG_PRINTK_CALLER: ,caller=T… put into the real records", "monotonic", lost={}, split=False)

add("caller-nul.kmsg", kmsg_caller.replace(b"\n", b"\n\0"), "the same with a NUL after each record, as dmesg --kmsg-file wants it", "monotonic", lost={}, split=False)

# --- files ------------------------------------------------------------------------------------
text_T = b"\n".join(LINES_T) + b"\n"
add("windows-bom-crlf.log", b"\xef\xbb\xbf" + text_T.replace(b"\n", b"\r\n"), "dmesg -T saved on Windows: UTF-8 BOM and CR LF", "wall-s", also=None, tz="UTC")
add("utf16le-bom.log", b"\xff\xfe" + text_T.replace(b"\n", b"\r\n").decode().encode("utf-16-le"), "dmesg -T redirected by PowerShell 5: UTF-16LE, BOM, CR LF", "wall-s", also=None, tz="UTC")
add("utf16be-bom.log", b"\xfe\xff" + upto(LINES_T, KILLS[0]["pid"])[-1].decode().encode("utf-16-be") + "\n".encode("utf-16-be"), "one kill line as UTF-16BE with BOM", "wall-s",
    also=None, tz="UTC", pids=[KILLS[0]["pid"]], only="kill line", split=False)
add("dmesg-T.log.gz", gzip.compress(text_T, mtime=0), "dmesg -T, gzip", "wall-s", also=None, tz="UTC")
members = [gzip.compress(part, mtime=0) for part in (text_T[:5000], text_T[5000:5001], b"", text_T[5001:])]
add("dmesg-T-members.log.gz", b"".join(members), "dmesg -T, gzip of four members (one byte, none), cut inside a line", "wall-s", also=None, tz="UTC")
short = gzip.compress(text_T, mtime=0)[:-700]
readable = zlib.decompressobj(31).decompress(short)
add("dmesg-T-truncated.log.gz", short, "dmesg -T, gzip whose end is missing: what is before it can be read", "wall-s", also=None, tz="UTC",
    lost=dict(origin=True, truncated=True), pids=[k["pid"] for k in KILLS if re.search(rb"Killed process %d [^:]*total-vm:.*oom_score_adj:-?\d+\n" % k["pid"], readable)])
add("kernel.kmsg.zst", subprocess.run(["zstd", "-q", "-c", "-19"], input=b"\n".join(RECORDS) + b"\n", stdout=subprocess.PIPE, check=True).stdout,
    "raw /dev/kmsg records, zstd", "monotonic", lost={}, split=False)
zst = [subprocess.run(["zstd", "-q", "-c"], input=part, stdout=subprocess.PIPE, check=True).stdout for part in (text_T[:7777], text_T[7777:])]
add("dmesg-T-frames.log.zst", b"".join(zst), "dmesg -T, zstd of two frames", "wall-s", also=None, tz="UTC")

# --- what people paste ------------------------------------------------------------------------
kill_lines = [l for l in LINES_T if b"Killed process" in l]
add("grep-killed.log", b"\n".join(kill_lines) + b"\n", "dmesg -T | grep -i 'killed process': the kill lines alone", "wall-s", also=None, tz="UTC", only="kill line",
    lost=dict(origin=True, head=True, fields={str(KILLS[1]["pid"]): ["uid", "total_vm_kb", "anon_rss_kb", "file_rss_kb", "shmem_rss_kb", "pgtables_kb", "oom_score_adj"]}))
quoted = b"\n".join(b"> " + l for l in LINES_T)
add("markdown-quoted.md", b"**What happened?**\nThe pod dies with exit code 137.\n\n> ```\n" + quoted + b"\n> ```\n\nAny idea?\n", "an issue: Markdown, quoted", "wall-s", also=None, tz="UTC")
add("markdown-indented.md", b"# Log\n\n" + b"\n".join(b"    " + l for l in LINES_T) + b"\n", "an issue: Markdown, four blanks before each line", "wall-s", also=None, tz="UTC")
html = "\n".join(l.decode() for l in LINES_T).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
add("page.html", f"<html><body><pre><code>{html}\n</code></pre></body></html>\n".encode(), "a web page: HTML entities", "wall-s", also=None, tz="UTC")
add("no-newline-at-end.log", text_T[:-1], "dmesg -T without the last line end", "wall-s", also=None, tz="UTC")
add("cr-only.log", text_T.replace(b"\n", b"\r"), "dmesg -T with CR alone as line end", "wall-s", also=None, tz="UTC")

# --- one file of several formats: first kill as kmsg, second as journalctl, third as docker JSON --
one = upto(RECORDS, KILLS[0]["pid"])
cut_j = next(i for i, l in enumerate(JOURNAL) if b"Killed process %d (" % KILLS[0]["pid"] in l) + 1
end_j = next(i for i, l in enumerate(JOURNAL) if b"Killed process %d (" % KILLS[1]["pid"] in l) + 2
rows = list(timed())
cut_d = next(i for i, (_, l) in enumerate(rows) if f"Killed process {KILLS[1]['pid']} (" in l) + 2
mixed = (b"===== node worker-7: /dev/kmsg =====\n" + b"\n".join(one) + b"\n\n===== journalctl -k -o short-iso =====\n-- Boot 705278d29b49473683f6c3e630134bb3 --\n"
         + b"\n".join(JOURNAL[cut_j:end_j]) + b"\n\n===== pod log =====\n" + lines_of(j({"log": l + "\n", "stream": "stdout", "time": stamp(us, 9)}) for us, l in rows[cut_d:]))
add("mixed.log", mixed, "a support bundle: raw kmsg (first kill), journalctl short-iso (second), docker JSON (third), with headings", "mixed", lost=dict(origin=True))
add("mixed-duplicate.log", mixed + text_T, "the same, and then all three again as dmesg -T: one process, one record", "mixed", lost=dict(origin=True))

# --- real tools -------------------------------------------------------------------------------
if DMESG_NEW:
    os.makedirs(WORK, exist_ok=True)
    version = subprocess.run(DMESG_NEW + ["--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()[-1]
    with open(WORK + "/caller.kmsg", "wb") as f:                    # --kmsg-file wants a NUL after each record
        f.write(kmsg_caller.replace(b"\n", b"\n\0"))
    for name, args, env, when in (("new-dmesg.log", [], {}, "monotonic"), ("new-dmesg-T.log", ["-T"], {}, "wall-s"), ("new-dmesg-x.log", ["-x"], {}, "monotonic"),
                                  ("new-dmesg-iso.log", ["--time-format", "iso"], {"TZ": "Asia/Kolkata"}, "wall-us"), ("new-dmesg-r.log", ["-r"], {}, "monotonic"),
                                  ("new-dmesg-raw-time.log", ["--time-format", "raw"], {}, "monotonic"), ("new-dmesg-iso-delta.log", ["--time-format", "iso", "--time-format", "delta"], {}, "wall-us"),
                                  ("new-dmesg-color.log", ["-L=always", "-T"], {}, "wall-s"), ("new-dmesg-J.json", ["-J"], {}, "monotonic"), ("new-dmesg-C.log", [], {"LC_ALL": "C"}, "monotonic")):
        e = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PATH": os.environ["PATH"], **env}
        got = subprocess.run(DMESG_NEW + ["-K", WORK + "/caller.kmsg"] + args, env=e, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if got.returncode:
            print(name, got.stderr)
            continue
        lost = {} if {"-x", "-J", "-r"} & set(args) else dict(origin=True)
        if env.get("LC_ALL") == "C":
            lost["comm"] = {str(KILLS[2]["pid"]): [KILLS[2]["comm"], "".join(f"\\x{c:02x}" for c in KILLS[2]["comm"].encode())]}
        add(name, got.stdout, "", when, lost=lost, split="-J" not in args, also=None, tz=env.get("TZ", "UTC"))
        FILES[name][1]["format"] = f"dmesg --kmsg-file caller.kmsg {' '.join(args)} (util-linux {version}, a real run over the derived caller.kmsg)"


def rsyslog_escapes():
    """A real rsyslogd, its own socket: the messages go in with their newline."""
    subprocess.run(["rm", "-rf", WORK])
    os.makedirs(WORK)
    for name, extra in (("rsyslog-escaped.log", ""), ("rsyslog-escaped-8bit.log", '$Escape8BitCharactersOnReceive on\n')):
        conf = f'''global(workDirectory="{WORK}" localHostname="{HOST}")
{extra}module(load="imuxsock" sysSock.use="off")
input(type="imuxsock" socket="{WORK}/{name}.sock" rateLimit.interval="0")
*.* action(type="omfile" file="{WORK}/{name}" template="RSYSLOG_FileFormat")
'''
        open(f"{WORK}/{name}.conf", "w").write(conf)
        d = subprocess.Popen(["rsyslogd", "-n", "-f", f"{WORK}/{name}.conf", "-i", f"{WORK}/{name}.pid"], env={**os.environ, "TZ": "UTC"})
        time.sleep(1.5)
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.connect(f"{WORK}/{name}.sock")
        for p, _, us, text in journal_records:
            t = syslog_stamp(us + OFFSET)
            s.send(f"<{p or 8}>{t} kernel: [{us // 1000000:5d}.{us % 1000000:06d}] {text}".encode())
        time.sleep(2)
        d.terminate()
        d.wait(timeout=20)
        data = open(f"{WORK}/{name}", "rb").read()
        lost = dict(origin=True, comm={p: v + [v[0].replace("\n", "#012")] for p, v in CONTINUED.items()})
        if extra:
            octal = "".join(f"#{c:03o}" for c in KILLS[2]["comm"].encode())
            lost["comm"][str(KILLS[2]["pid"])] = [KILLS[2]["comm"], octal]
        add(name, data, "", "monotonic", lost=lost, split=False, tz="UTC", wall="the time of sending to the socket, minutes after the kills")
        FILES[name][1]["format"] = ("rsyslogd 8.2302 imuxsock, RSYSLOG_FileFormat, control characters escaped on receipt (its default)"
                                    + (", 8-bit characters too" if extra else "") + "; a real run, the lines were sent to its socket")


rsyslog_escapes()

folder = os.path.join(OUT, "wrappers-three")
os.makedirs(folder, exist_ok=True)
for name, (data, _) in FILES.items():
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)
T.save(os.path.join(folder, "expected.json"), dict(
    case="wrappers-three", source="the first three kills of ../hostile-five (real, Linux 6.18.44), in wrappers made by make/wrap.py",
    clock=given["clock"], kills=KILLS, files={n: e for n, (_, e) in sorted(FILES.items())}))
