"""compose.py OUT: reports of kernels that could not be run here, composed to the kernel's sources.

Each case is one log as that kernel's dmesg prints it, with expected.json beside it. The wording,
the order of lines and the columns follow the named version's mm/oom_kill.c, mm/memcontrol.c and
lib/show_mem.c or mm/page_alloc.c; names and figures are invented, and consistent with each other
(the table's pages are the kill line's kilobytes). Nothing here was printed by a kernel.
"""
import json, os, sys

OUT = sys.argv[1]
POD = "/kubepods/burstable/pod7c0e6f9a-31d4-4b8e-a5c2-90f1d7b3e684"
APP = POD + "/4e9b1c7d20f8a3565d7e0c4b9a8f1e2d3c6b5a4978e0f1d2c3b4a59687f0e1d2"
PAUSE = POD + "/b70a2f4c6e8d1933557799bbddff00224466880aaccee1133557799bbddff002"
SLICE = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podd2a4c6e8_1b3d_4f50_8a9c_7e6f5d4c3b2a.slice"
SCOPE = SLICE + "/cri-containerd-81f0c3d5a7b9e1f2436587a9cbed0f1e2d3c4b5a69788796a5b4c3d2e1f00918.scope"


class Log:
    """Lines of a log. Further lines of one record: with the time again, as the console and syslog(2)
    print them, or, with indent, under the text, as dmesg does."""

    def __init__(self, start, indent=False):
        self.us = int(start * 1e6)
        self.indent = indent
        self.lines = []

    def __call__(self, *texts, step=11, caller=None):
        for text in texts:
            for n, part in enumerate(text.split("\n")):
                head = f"[{self.us // 1000000:5d}.{self.us % 1000000:06d}]"
                if caller:
                    head += f"[{caller:>6}]"
                self.lines.append(" " * (len(head) + 1) + part if n and self.indent else f"{head} {part}")
            self.us += step
        return self

    def later(self, seconds):
        self.us += int(seconds * 1e6)
        return self

    def data(self):
        return ("\n".join(self.lines) + "\n").encode()


def write(name, data, source, kills, note=None, when="monotonic", lost=None, **more):
    with open(os.path.join(OUT, name + ".log"), "wb") as f:
        f.write(data)
    entry = dict(format="composed: dmesg", time=when, lost=dict(origin=True, **(lost or {})))
    expected = dict(case=name, source="composed, not printed by a kernel: " + source, **({"note": note} if note else {}), **more,
                    kills=kills, files={name + ".log": entry})
    with open(os.path.join(OUT, name + ".expected.json"), "w") as f:
        json.dump(expected, f, ensure_ascii=False, indent=1)
        f.write("\n")


def stack_old(log, *functions):
    log("Call Trace:")
    log(*(f" [<ffffffff81{0x16a0b0 + i * 0x2340:06x}>] {f}" for i, f in enumerate(functions)), step=4)


def stack(log, *functions):
    log("Call Trace:", *(f" {f}" for f in functions), step=4)


OLD_ZONES = ["Node 0 DMA free:15724kB min:248kB low:308kB high:372kB active_anon:0kB inactive_anon:0kB active_file:0kB inactive_file:0kB unevictable:0kB "
             "isolated(anon):0kB isolated(file):0kB present:15340kB mlocked:0kB dirty:0kB writeback:0kB mapped:0kB shmem:0kB slab_reclaimable:0kB "
             "slab_unreclaimable:0kB kernel_stack:0kB pagetables:0kB unstable:0kB bounce:0kB writeback_tmp:0kB pages_scanned:0 all_unreclaimable? yes",
             "lowmem_reserve[]: 0 3512 4017 4017",
             "Node 0 DMA32 free:57532kB min:58868kB low:73584kB high:88300kB active_anon:2950016kB inactive_anon:492004kB active_file:312kB inactive_file:640kB "
             "unevictable:0kB isolated(anon):0kB isolated(file):0kB present:3596500kB mlocked:0kB dirty:0kB writeback:0kB mapped:412kB shmem:180kB "
             "slab_reclaimable:9020kB slab_unreclaimable:21144kB kernel_stack:1912kB pagetables:11960kB unstable:0kB bounce:0kB writeback_tmp:0kB "
             "pages_scanned:1664 all_unreclaimable? yes",
             "lowmem_reserve[]: 0 0 505 505",
             "Node 0 DMA: 1*4kB 1*8kB 0*16kB 1*32kB 1*64kB 0*128kB 1*256kB 0*512kB 1*1024kB 1*2048kB 3*4096kB = 15724kB",
             "Node 0 DMA32: 419*4kB 221*8kB 130*16kB 78*32kB 41*64kB 20*128kB 14*256kB 9*512kB 5*1024kB 2*2048kB 7*4096kB = 57532kB"]


def mem_info_old(log):
    log("Mem-Info:", "Node 0 DMA per-cpu:", "CPU    0: hi:    0, btch:   1 usd:   0", "CPU    1: hi:    0, btch:   1 usd:   0",
        "Node 0 DMA32 per-cpu:", "CPU    0: hi:  186, btch:  31 usd:  37", "CPU    1: hi:  186, btch:  31 usd:   0",
        "active_anon:862211 inactive_anon:123018 isolated_anon:0\n active_file:81 inactive_file:160 isolated_file:0\n unevictable:0 dirty:0 writeback:0 unstable:0\n"
        " free:18314 slab_reclaimable:2255 slab_unreclaimable:5286\n mapped:103 shmem:45 pagetables:2990 bounce:0", *OLD_ZONES,
        "372 total pagecache pages", "0 pages in swap cache", "Swap cache stats: add 524288, delete 524288, find 1102/1731", "Free swap  = 0kB",
        "Total swap = 2097148kB", "1048560 pages RAM", "67281 pages reserved", "1023 pages shared", "961884 pages non-shared", step=7)


def mem_info(log):
    log("Mem-Info:",
        "active_anon:3120 inactive_anon:1961042 isolated_anon:0\n active_file:188 inactive_file:301 isolated_file:0\n unevictable:0 dirty:0 writeback:0\n"
        " slab_reclaimable:11820 slab_unreclaimable:21401\n mapped:220 shmem:3344 pagetables:5120 bounce:0\n free:25519 free_pcp:60 free_cma:0",
        "Node 0 active_anon:12480kB inactive_anon:7844168kB active_file:752kB inactive_file:1204kB unevictable:0kB isolated(anon):0kB isolated(file):0kB "
        "mapped:880kB dirty:0kB writeback:0kB shmem:13376kB shmem_thp: 0kB shmem_pmdmapped: 0kB anon_thp: 0kB writeback_tmp:0kB kernel_stack:5120kB all_unreclaimable? yes",
        "Node 0 DMA free:15360kB min:128kB low:160kB high:192kB active_anon:0kB inactive_anon:0kB active_file:0kB inactive_file:0kB unevictable:0kB "
        "writepending:0kB present:15992kB managed:15360kB mlocked:0kB pagetables:0kB bounce:0kB free_pcp:0kB local_pcp:0kB free_cma:0kB",
        "lowmem_reserve[]: 0 2911 7884 7884",
        "Node 0 Normal free:86716kB min:87044kB low:108804kB high:130564kB active_anon:12480kB inactive_anon:7844168kB active_file:752kB inactive_file:1204kB "
        "unevictable:0kB writepending:0kB present:8388608kB managed:8073344kB mlocked:0kB pagetables:20480kB bounce:0kB free_pcp:240kB local_pcp:0kB free_cma:0kB",
        "lowmem_reserve[]: 0 0 0 0",
        "Node 0 DMA: 0*4kB 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 1*1024kB (U) 1*2048kB (M) 3*4096kB (M) = 15360kB",
        "Node 0 hugepages_total=0 hugepages_free=0 hugepages_surp=0 hugepages_size=2048kB",
        "3851 total pagecache pages", "0 pages in swap cache", "Swap cache stats: add 0, delete 0, find 0/0", "Free swap  = 0kB", "Total swap = 0kB",
        "2101150 pages RAM", "0 pages HighMem/MovableOnly", "79083 pages reserved", step=7)


def kill(pid, comm, total=None, anon=None, file=None, shmem=None, **more):
    k = dict(pid=pid, comm=comm)
    for name, value in (("total_vm_kb", total), ("anon_rss_kb", anon), ("file_rss_kb", file), ("shmem_rss_kb", shmem)):
        if value is not None:
            k[name] = value
    k.update(more)
    return k


# ---------------------------------------------------------------------------------------- 2.4
log = Log(0)
text = "\n".join(f"{p}__alloc_pages: 0-order allocation failed (gfp=0x1d2/0)" for p in ("", "")) + "\n" + \
    "\n".join(f"Out of Memory: Killed process {p} (httpd)." for p in (1042, 1043)) + "\nVM: killing process httpd\n"
write("2.4", text.encode(), "2.4.37 mm/oom_kill.c, oom_kill_task(), arch/i386/mm/fault.c",
      [kill(1042, "httpd", scope="global"), kill(1043, "httpd", scope="global")],
      note="no time: CONFIG_PRINTK_TIME came later. One line for each task that shares the memory. \"VM: killing process\" (the page fault handler's own kill, no pid) is not counted.", when="none")

# ------------------------------------------------------------------------------------- 2.6.18
log = Log(0)
lines = ["httpd invoked oom-killer: gfp_mask=0x201d2, order=0, oomkilladj=0", "", "Call Trace:",
         " [<ffffffff800c39dd>] out_of_memory+0x8e/0x2f3", " [<ffffffff8000f2eb>] __alloc_pages+0x245/0x2ce", "",
         "Node 0 DMA per-cpu:", "cpu 0 hot: high 0, batch 1 used:0", "cpu 0 cold: high 0, batch 1 used:0",
         "Free pages:       14508kB (0kB HighMem)", "Active:126304 inactive:125991 dirty:0 writeback:0 unstable:0 free:3627 slab:3720 mapped-file:3 mapped-anon:252110 pagetables:1601",
         "Node 0 DMA free:10776kB min:56kB low:68kB high:84kB active:0kB inactive:0kB present:10404kB pages_scanned:0 all_unreclaimable? yes",
         "lowmem_reserve[]: 0 994 994 994", "Swap cache: add 264431, delete 264429, find 2250/3502, race 0+3", "Free swap  = 0kB", "Total swap = 1052248kB",
         "Out of memory: Killed process 2817, UID 27, (mysqld)."]
write("2.6.18-el5", ("\n".join(lines) + "\n").encode(), "2.6.18 mm/oom_kill.c with RHEL 5's UID in the kill line", [
    kill(2817, "mysqld", uid=27, scope="global", trigger_comm="httpd")], note="no time in the text; the head has oomkilladj", when="none")

# ------------------------------------------------------------------------------------- 2.6.32
log = Log(12345.112233)
log("java invoked oom-killer: gfp_mask=0x201da, order=0, oom_adj=0", "java cpuset=/ mems_allowed=0", "Pid: 2345, comm: java Not tainted 2.6.32 #1")
stack_old(log, "oom_kill_process+0x8a/0x2c0", "out_of_memory+0x209/0x3b0", "__alloc_pages_nodemask+0x8a1/0x8d0", "filemap_fault+0x50f/0x540", "do_page_fault+0x3e/0xa0")
mem_info_old(log)
log("[ pid ]   uid  tgid total_vm      rss cpu oom_adj name", "[ 1044]     0  1044     3672       43   1     -17 udevd", "[ 1720]    38  1720     7543      139   0       0 ntpd",
    "[ 2301]   500  2301  1005864   928086   1       0 java", "[ 2345]   500  2301  1005864   928086   0       0 java", "[ 2346]   500  2301  1005864   928086   1       0 java",
    "[ 3107]   501  3107    26554      301   1       3 php cgi worker")
log("Out of memory: kill process 2301 (java) score 1005864 or a child", "Killed process 3107 (php cgi worker)")
write("2.6.32", log.data(), "2.6.32 mm/oom_kill.c: oom_kill_process(), __oom_kill_task(), dump_tasks()", [
    kill(3107, "php cgi worker", scope="global", trigger_comm="java", trigger_pid=2345, tasks_listed=6, uid=501, from_table=["uid"])],
    note="the table has one row a thread (2345 and 2346 are threads of 2301). \"kill process … or a child\" is not the victim: its child is. No size in the kill line; the table's row has it in pages.")

# ----------------------------------------------------------------------------- 2.6.32 of RHEL 6
log = Log(912345.678001)
log("crond invoked oom-killer: gfp_mask=0x201da, order=0, oom_adj=0, oom_score_adj=0", "crond cpuset=/ mems_allowed=0", "Pid: 1811, comm: crond Not tainted 2.6.32-754.35.1.el6.x86_64 #1")
stack_old(log, "? dump_header+0x90/0x1b0", "? security_real_capable_noaudit+0x3c/0x70", "? oom_kill_process+0x82/0x2a0", "? select_bad_process+0xe1/0x120", "? out_of_memory+0x220/0x3c0", "? __alloc_pages_nodemask+0x93c/0x950")
mem_info_old(log)
log("[ pid ]   uid  tgid total_vm      rss cpu oom_adj oom_score_adj name", "[  412]     0   412     2729       36   1     -17         -1000 udevd", "[ 1811]     0  1811    29216      152   0       0             0 crond",
    "[ 2345]   500  2345  1005864   928394   1       0             0 java", "[ 2402]4294967294  2402     4781       60   0       0             0 nfs helper")
log("Out of memory: Kill process 2345 (java) score 912 or sacrifice child", "Killed process 2345, UID 500, (java) total-vm:4023456kB, anon-rss:3712345kB, file-rss:1231kB")
log.later(31)
log("Task in /lxc/build killed as a result of limit of /lxc", "memory: usage 524288kB, limit 524288kB, failcnt 8812", "memory+swap: usage 524288kB, limit 9007199254740991kB, failcnt 0",
    "Memory cgroup out of memory: Kill process 9120 (cc1plus) score 1000 or sacrifice child", "Killed process 9133, UID 4294967294, (cc1plus) total-vm:611204kB, anon-rss:498120kB, file-rss:88kB",
    "Would have killed process 9140 (cc1plus). But continuing instead.")
write("2.6.32-el6", log.data(), "RHEL 6's 2.6.32 mm/oom_kill.c (oom_kill_task() with UID; sysctl vm.would_have_oomkilled)", [
    kill(2345, "java", 4023456, 3712345, 1231, uid=500, oom_score_adj=0, from_table=["oom_score_adj"], scope="global", trigger_comm="crond", trigger_pid=1811, tasks_listed=4),
    kill(9133, "cc1plus", 611204, 498120, 88, uid=4294967294, constraint="memcg", task_memcg="/lxc/build", oom_memcg="/lxc", usage_kb=524288, limit_kb=524288, failcnt=8812)],
    note="the second report has lost its head. Kill process 9120, killed 9133: the child. \"Would have killed\" is not a kill. oom_score_adj of the first kill is in its table row.")

# ------------------------------------------------------------------------------------- 2.6.35
log = Log(5310.200001)
log("mysqld invoked oom-killer: gfp_mask=0x201da, order=0, oom_adj=0", "mysqld cpuset=/ mems_allowed=0", "Pid: 1330, comm: mysqld Not tainted 2.6.35-32-server #67-Ubuntu")
stack_old(log, "cpuset_print_task_mems_allowed+0x9d/0xb0", "dump_header+0x8d/0x1a0", "oom_kill_process+0xd5/0x110", "out_of_memory+0xca/0x110", "__alloc_pages_slowpath+0x569/0x570")
mem_info_old(log)
log("[ pid ]   uid  tgid total_vm      rss cpu oom_adj name", "[  301]     0   301     4223      101   0     -17 udevd", "[ 1330]   112  1330   140205    60100   1       0 mysqld", "[ 2044]    33  2044   260410   213020   0      15 apache2")
log("Out of memory: kill process 2044 (apache2) score 1041640 or a child", "Killed process 2044 (apache2) vsz:1041640kB, anon-rss:851968kB, file-rss:112kB")
write("2.6.35", log.data(), "2.6.35 mm/oom_kill.c: __oom_kill_task() says vsz", [
    kill(2044, "apache2", 1041640, 851968, 112, uid=33, from_table=["uid"], scope="global", trigger_comm="mysqld", trigger_pid=1330, tasks_listed=3)])


# ------------------------------------------------------------------------------ memcg, up to 4.18
def stats_line(path, keys, values):
    return f"Memory cgroup stats for {path}: " + " ".join(f"{k}:{values.get(k, 0)}KB" for k in keys)


K310 = "cache rss rss_huge mapped_file swap inactive_anon active_anon inactive_file active_file unevictable".split()
K316 = "cache rss rss_huge mapped_file writeback swap inactive_anon active_anon inactive_file active_file unevictable".split()
K44 = "cache rss rss_huge mapped_file dirty writeback swap inactive_anon active_anon inactive_file active_file unevictable".split()
K414 = "cache rss rss_huge shmem mapped_file dirty writeback swap inactive_anon active_anon inactive_file active_file unevictable".split()


def memcg_head(log, head, cpuset, cpu, trace, old_trace=False):
    log(head)
    if cpuset:
        log(cpuset)
    log(cpu, "Hardware name: Xen HVM domU, BIOS 4.2.amazon 08/24/2006")
    (stack_old if old_trace else stack)(log, *trace)


TRACE_OLD = ("dump_stack+0x19/0x1b", "dump_header+0x90/0x229", "oom_kill_process+0x2cd/0x490", "mem_cgroup_oom_synchronize+0x55c/0x590", "pagefault_out_of_memory+0x14/0x90", "do_page_fault+0x35/0x90")
TRACE = ("dump_stack+0x63/0x85", "dump_header+0x9f/0x234", "oom_kill_process+0x21c/0x430", "out_of_memory+0x114/0x4a0", "mem_cgroup_out_of_memory+0x4b/0x80", "mem_cgroup_oom_synchronize+0x2f9/0x320",
         "? mem_cgroup_css_reset+0xd0/0xd0", "pagefault_out_of_memory+0x36/0x7b", "mm_fault_error+0x85/0x170", "__do_page_fault+0x4ba/0x4e0", "do_page_fault+0x2e/0xe0", "page_fault+0x4c/0x60")


def limits(log, usage, limit, failcnt, swap=True):
    log(f"memory: usage {usage}kB, limit {limit}kB, failcnt {failcnt}")
    if swap:
        log(f"memory+swap: usage {usage}kB, limit {limit}kB, failcnt 0", "kmem: usage 3120kB, limit 9007199254740988kB, failcnt 0")


def memcg_expected(k, trigger, tasks, usage=524288, failcnt=4410, oom=POD, task=APP, **more):
    return dict(k, constraint="memcg", oom_memcg=oom, task_memcg=task, trigger_comm=trigger[0], trigger_pid=trigger[1], usage_kb=usage, limit_kb=usage, failcnt=failcnt, tasks_listed=tasks, **more)


# RHEL 7, 3.10
log = Log(1187332.004411)
memcg_head(log, "sh invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=872", f"sh cpuset={APP.split('/')[-1]} mems_allowed=0",
           "CPU: 3 PID: 4311 Comm: sh Kdump: loaded Tainted: G               ------------ T 3.10.0-1160.119.1.el7.x86_64 #1", TRACE_OLD, True)
log(f"Task in {APP} killed as a result of limit of {POD}")
limits(log, 524288, 524288, 4410)
log(stats_line(POD, K310, {}), stats_line(PAUSE, K310, {"rss": 40, "active_anon": 40}), stats_line(APP, K310, {"cache": 84, "rss": 521028, "rss_huge": 16384, "active_anon": 520988, "inactive_anon": 84}))
log("[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name", "[ 4102]     0  4102      253        1       4        0          -998 pause",
    "[ 4290]  1000  4290  1271034   130110     402        0           872 java", "[ 4311]  1000  4311     2925      161      11        0           872 sh")
log("Memory cgroup out of memory: Kill process 4377 (C2 CompilerThre) score 1866 or sacrifice child", "Killed process 4290 (java), UID 1000, total-vm:5084136kB, anon-rss:519212kB, file-rss:1228kB, shmem-rss:0kB")
write("3.10-el7", log.data(), "RHEL 7's 3.10.0-1160 mm/oom_kill.c, mm/memcontrol.c (mem_cgroup_print_oom_info())", [
    memcg_expected(kill(4290, "java", 5084136, 519212, 1228, 0, uid=1000, oom_score_adj=872, from_table=["oom_score_adj"]), ("sh", 4311), 3)],
    note="\"Kill process 4377\" names a thread of the victim. UID stands after the name. One \"Memory cgroup stats\" line for each child cgroup.")

# 3.10 global with nodemask-less head, vanilla
log = Log(88120.500100)
memcg_head(log, "rsyslogd invoked oom-killer: gfp_mask=0x201da, order=0, oom_score_adj=0", "rsyslogd cpuset=/ mems_allowed=0-1", "CPU: 0 PID: 611 Comm: rsyslogd Not tainted 3.10.108 #1", TRACE_OLD[:3], True)
mem_info_old(log)
log("[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name", "[  388]     0   388     9204      822      20      190             0 systemd-journal", "[  401]     0   401    10613      136      22        2         -1000 systemd-udevd",
    "[  611]     0   611    54210     1022      41       33             0 rsyslogd", "[ 7011]  1001  7011   903211   851201    1702   120044             0 python worker 3")
log("Out of memory: Kill process 7011 (python worker 3) score 811 or sacrifice child", "Killed process 7011 (python worker 3) total-vm:3612844kB, anon-rss:3404104kB, file-rss:700kB")
write("3.10", log.data(), "3.10 mm/oom_kill.c", [kill(7011, "python worker 3", 3612844, 3404104, 700, scope="global", uid=1001, oom_score_adj=0, from_table=["uid", "oom_score_adj"], trigger_comm="rsyslogd", trigger_pid=611, tasks_listed=4)],
    note="a space and a number in the name; the victim's uid and oom_score_adj are in its table row only")

# 3.16
log = Log(20110.707070)
memcg_head(log, "redis-server invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0", "redis-server cpuset=/ mems_allowed=0", "CPU: 1 PID: 15220 Comm: redis-server Not tainted 3.16.0-11-amd64 #1 Debian 3.16.84-1", TRACE_OLD, True)
log("Task in /system.slice/redis.service", " killed as a result of limit of /system.slice", "", step=1)
limits(log, 262144, 262144, 77)
log(stats_line("/system.slice", K316, {}), stats_line("/system.slice/redis.service", K316, {"rss": 201100, "active_anon": 201100}), stats_line("/system.slice/cron.service", K316, {"rss": 8, "active_anon": 8}),
    stats_line("/system.slice/app 1.service", K316, {"rss": 60120, "inactive_anon": 60120}))
log("[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name", "[15220]   107 15220    90410    50610     126        0             0 redis-server", "[15301]     0 15301     6868      612      18        0             0 cron")
log("Memory cgroup out of memory: Kill process 15220 (redis-server) score 772 or sacrifice child", "Killed process 15220 (redis-server) total-vm:361640kB, anon-rss:200988kB, file-rss:1452kB")
write("3.16", log.data(), "3.15–3.18 mm/memcontrol.c (mem_cgroup_print_oom_info() with pr_info() in the middle of the line) and mm/oom_kill.c", [
    memcg_expected(kill(15220, "redis-server", 361640, 200988, 1452, uid=107, oom_score_adj=0, from_table=["uid", "oom_score_adj"]), ("redis-server", 15220), 2, 262144, 77, "/system.slice", "/system.slice/redis.service")],
    note="from 3.15 to 3.18 \"Task in PATH\", \" killed as a result of limit of PATH\" and an empty line are three records (mended in 3.19/4.0: \"memcg: remove extra newlines from memcg oom kill log\")")

# 4.4
log = Log(301882.110220)
memcg_head(log, "node invoked oom-killer: gfp_mask=0x24000c0, order=0, oom_score_adj=968", f"node cpuset={APP.split('/')[-1]} mems_allowed=0", "CPU: 2 PID: 9021 Comm: node Not tainted 4.4.0-210-generic #242-Ubuntu", TRACE_OLD, True)
log(f"Task in {APP} killed as a result of limit of {POD}")
limits(log, 524288, 524288, 4410)
log(stats_line(POD, K44, {}), stats_line(PAUSE, K44, {"rss": 44, "inactive_anon": 44}), stats_line(APP, K44, {"cache": 120, "rss": 521100, "mapped_file": 60, "active_anon": 520960}))
log("[ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name", "[ 8811]     0  8811      257        1       4       2        0          -998 pause",
    "[ 9001]  1000  9001     1103      190       8       3        0           968 npm run start", "[ 9021]  1000  9021   310220   130280     712       6        0           968 node")
log("Memory cgroup out of memory: Kill process 9021 (node) score 1964 or sacrifice child", "Killed process 9021 (node) total-vm:1240880kB, anon-rss:517900kB, file-rss:3220kB")
write("4.4", log.data(), "4.4 mm/oom_kill.c, mm/memcontrol.c", [memcg_expected(kill(9021, "node", 1240880, 517900, 3220, uid=1000, oom_score_adj=968, from_table=["uid", "oom_score_adj"]), ("node", 9021), 3)],
    note="nr_pmds since 4.1; no shmem-rss before 4.5")

# 4.9
log = Log(77331.900001)
memcg_head(log, "gunicorn: worke invoked oom-killer: gfp_mask=0x24000c0(GFP_KERNEL), nodemask=0, order=0, oom_score_adj=999", f"gunicorn: worke cpuset={APP.split('/')[-1]} mems_allowed=0",
           "CPU: 1 PID: 3302 Comm: gunicorn: worke Not tainted 4.9.0-19-amd64 #1 Debian 4.9.320-2", TRACE_OLD, True)
log(f"Task in {APP} killed as a result of limit of {APP}")
limits(log, 131072, 131072, 18233)
log(stats_line(APP, K44, {"rss": 128100, "active_anon": 128040}))
log("[ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name", "[ 3290]  1000  3290    22011     4100      44       3        0           999 gunicorn: maste", "[ 3302]  1000  3302    51200    28010      90       3        0           999 gunicorn: worke")
log("Memory cgroup out of memory: Kill process 3302 (gunicorn: worke) score 1852 or sacrifice child", "Killed process 3302 (gunicorn: worke) total-vm:204800kB, anon-rss:109000kB, file-rss:3040kB, shmem-rss:0kB",
    "oom_reaper: reaped process 3302 (gunicorn: worke), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB")
log.later(12)
memcg_head(log, "gunicorn: maste invoked oom-killer: gfp_mask=0x26000c0(GFP_KERNEL|__GFP_NOTRACK), nodemask=0, order=1, oom_score_adj=999", f"gunicorn: maste cpuset={APP.split('/')[-1]} mems_allowed=0",
           "CPU: 0 PID: 3290 Comm: gunicorn: maste Not tainted 4.9.0-19-amd64 #1 Debian 4.9.320-2", TRACE_OLD, True)
log(f"Memory limit reached of cgroup {APP}")
limits(log, 131072, 131072, 19000)
log(stats_line(APP, K44, {"rss": 128000, "active_anon": 128000}))
log("[ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name", "Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled")
write("4.9", log.data(), "4.9 mm/oom_kill.c, mm/memcontrol.c", [
    memcg_expected(kill(3302, "gunicorn: worke", 204800, 109000, 3040, 0, uid=1000, oom_score_adj=999, from_table=["uid", "oom_score_adj"]), ("gunicorn: worke", 3302), 2, 131072, 18233, APP, APP)],
    note="a colon in the name; the second report (no victim: \"Memory limit reached of cgroup\", an empty table) ends in a panic: nobody is killed", panic=True)

# 4.14
log = Log(445001.330001)
memcg_head(log, "java invoked oom-killer: gfp_mask=0x14000c0(GFP_KERNEL), nodemask=(null),  order=0, oom_score_adj=869", f"java cpuset={APP.split('/')[-1]} mems_allowed=0",
           "CPU: 0 PID: 26105 Comm: java Not tainted 4.14.336-253.554.amzn2.x86_64 #1", TRACE)
log(f"Task in {APP} killed as a result of limit of {POD}")
limits(log, 524288, 524288, 4410)
log(stats_line(POD, K414, {}), stats_line(PAUSE, K414, {"rss": 40, "active_anon": 40}), stats_line(APP, K414, {"cache": 32, "rss": 521200, "shmem": 12, "active_anon": 521188}))
log("[ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name", "[25801]     0 25801      256        1       4       2        0          -998 pause", "[26012]   999 26012  1510220   131110     410       9        0           869 java")
log("Memory cgroup out of memory: Kill process 26012 (java) score 1870 or sacrifice child", "Killed process 26012 (java) total-vm:6040880kB, anon-rss:519992kB, file-rss:4420kB, shmem-rss:28kB",
    "oom_reaper: reaped process 26012 (java), now anon-rss:0kB, file-rss:0kB, shmem-rss:28kB")
write("4.14", log.data(), "4.14 mm/oom_kill.c, mm/memcontrol.c", [memcg_expected(kill(26012, "java", 6040880, 519992, 4420, 28, uid=999, oom_score_adj=869, from_table=["uid", "oom_score_adj"]), ("java", 26105), 2)], note="two blanks after nodemask=(null),; the trigger is a thread of the victim")

# 4.18 (RHEL 8)
log = Log(65001.220001)
memcg_head(log, "httpd invoked oom-killer: gfp_mask=0x6000c0(GFP_KERNEL), nodemask=(null), order=0, oom_score_adj=0", f"httpd cpuset=/ mems_allowed=0", "CPU: 1 PID: 771 Comm: httpd Kdump: loaded Not tainted 4.18.0-80.el8.x86_64 #1", TRACE)
log("Task in /machine.slice/libpod-77.scope killed as a result of limit of /machine.slice")
limits(log, 98304, 98304, 91)
log(stats_line("/machine.slice", K414, {}), stats_line("/machine.slice/libpod-77.scope", K414, {"rss": 97000, "active_anon": 97000}))
log("[ pid ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name", "[  771]    48   771    41021     2201   122880        0             0 httpd", "[  790]    48   790    80110    23010   331776        0             0 php-fpm: pool w")
log("Memory cgroup out of memory: Kill process 790 (php-fpm: pool w) score 941 or sacrifice child", "Killed process 790 (php-fpm: pool w) total-vm:320440kB, anon-rss:91020kB, file-rss:1020kB, shmem-rss:0kB")
write("4.18-el8", log.data(), "4.18 mm/oom_kill.c (pgtables_bytes since 4.15, [ pid ] still)", [
    memcg_expected(kill(790, "php-fpm: pool w", 320440, 91020, 1020, 0, uid=48, oom_score_adj=0, from_table=["uid", "oom_score_adj"]), ("httpd", 771), 2, 98304, 91, "/machine.slice", "/machine.slice/libpod-77.scope")])

# 4.19, group kill
log = Log(9120.555001)
memcg_head(log, "worker invoked oom-killer: gfp_mask=0x6000c0(GFP_KERNEL), nodemask=(null), order=0, oom_score_adj=0", f"worker cpuset=/ mems_allowed=0", "CPU: 3 PID: 1402 Comm: worker Not tainted 4.19.0-26-amd64 #1 Debian 4.19.304-1", TRACE)
log(f"Task in {SCOPE} killed as a result of limit of {SLICE}", "memory: usage 262144kB, limit 262144kB, failcnt 811", "swap: usage 0kB, limit 9007199254740988kB, failcnt 0")
log(stats_line(SLICE, K414, {}), stats_line(SCOPE, K414, {"rss": 259000, "active_anon": 259000}))
log("Tasks state (memory values in pages):", "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name", "[   1390]     0  1390      560      180    40960        0             0 tini",
    "[   1402]  1000  1402    66100    40010   401408        0             0 worker", "[   1410]  1000  1410    40010    24010   280000        0          -1000 protected")
log("Memory cgroup out of memory: Kill process 1402 (worker) score 611 or sacrifice child", "Killed process 1402 (worker) total-vm:264400kB, anon-rss:158040kB, file-rss:2000kB, shmem-rss:0kB",
    f"Tasks in {SLICE} are going to be killed due to memory.oom.group set", "Killed process 1390 (tini) total-vm:2240kB, anon-rss:88kB, file-rss:632kB, shmem-rss:0kB",
    "Killed process 1402 (worker) total-vm:264400kB, anon-rss:158040kB, file-rss:2000kB, shmem-rss:0kB", "oom_reaper: reaped process 1402 (worker), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB")
write("4.19-oom-group", log.data(), "4.19 mm/oom_kill.c (oom_kill_memcg_member()), mm/memcontrol.c (mem_cgroup_print_oom_group())", [
    memcg_expected(kill(1402, "worker", 264400, 158040, 2000, 0, uid=1000, oom_score_adj=0, from_table=["uid", "oom_score_adj"]), ("worker", 1402), 3, 262144, 811, SLICE, SCOPE, group_kill=True),
    kill(1390, "tini", 2240, 88, 632, 0, uid=0, oom_score_adj=0, from_table=["uid", "oom_score_adj"], constraint="memcg", oom_memcg=SLICE, group_kill=True)],
    duplicate_kill_lines=[1402], note="cgroup v2 (swap: line). Bare \"Killed process\" lines. The first victim is named twice; the protected task is not killed. The group's path is oom_memcg; the member's own cgroup is not in the text.")


# ------------------------------------------------------------------------------------ 5.0 and on
def oom_kill(k, oom, task, uid=None, constraint="CONSTRAINT_MEMCG", cpuset="/", mems="0", nodemask="(null)"):
    where = f"oom_memcg={oom}" if oom else "global_oom"
    return f"oom-kill:constraint={constraint},nodemask={nodemask},cpuset={cpuset},mems_allowed={mems},{where},task_memcg={task},task={k['comm']},pid={k['pid']},uid={uid if uid is not None else k['uid']}"


TABLE5 = "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name"
CPUSET = APP.split("/")[-1]

# 5.0: both the summary and the pair
log = Log(1500.000100)
memcg_head(log, "celery invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=970", None, "CPU: 1 PID: 5120 Comm: celery Not tainted 5.0.21-arch1 #1", TRACE)
limits(log, 524288, 524288, 4410)
log(stats_line(POD, K414, {}), stats_line(PAUSE, K414, {"rss": 40}), stats_line(APP, K414, {"rss": 521200, "active_anon": 521188}))
k = kill(5133, "celery", 1201200, 418800, 12000, 4, uid=1000, oom_score_adj=970, from_table=["oom_score_adj"])
log("Tasks state (memory values in pages):", TABLE5, "[   5001]     0  5001      256        1    32768        0          -998 pause", "[   5120]  1000  5120    80110    21010   331776        0           970 celery",
    "[   5133]  1000  5133   300300   107701  1331776        0           970 celery")
log(oom_kill(k, POD, APP, cpuset=CPUSET), "Memory cgroup out of memory: Kill process 5120 (celery) score 1051 or sacrifice child", "Killed process 5133 (celery) total-vm:1201200kB, anon-rss:418800kB, file-rss:12000kB, shmem-rss:4kB",
    "oom_reaper: reaped process 5133 (celery), now anon-rss:0kB, file-rss:0kB, shmem-rss:4kB")
write("5.0", log.data(), "5.0 mm/oom_kill.c: dump_oom_summary() and still \"Kill process … or sacrifice child\"", [memcg_expected(k, ("celery", 5120), 3)],
    note="the summary and the kill line name the victim, \"Kill process\" its parent")

# 5.3: no UID yet; one-record stats
STATS53 = "anon {anon}\nfile 1486848\nkernel_stack 442368\nslab 3190784\nsock 0\nshmem 0\nfile_mapped 946176\nfile_dirty 0\nfile_writeback 0\nanon_thp 0\ninactive_anon 0\nactive_anon {anon}\ninactive_file 405504\nactive_file 811008\nunevictable 0\nslab_reclaimable 1622016\nslab_unreclaimable 1568768\npgfault 241395\npgmajfault 33\nworkingset_refault 66\nworkingset_activate 0\nworkingset_nodereclaim 0\npgrefill 1110\npgscan 12210\npgsteal 4021\npgactivate 231\npgdeactivate 1056\npglazyfree 0\npglazyfreed 0\nthp_fault_alloc 0\nthp_collapse_alloc 0"
for version, name, uid_part in (("5.3", "5.3.0-64-generic #58~18.04.1-Ubuntu", False), ("5.4", "5.4.0-190-generic #210-Ubuntu", True)):
    log = Log(700100.100200, indent=uid_part)
    memcg_head(log, "prometheus invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=984", None, f"CPU: 5 PID: 30122 Comm: prometheus Not tainted {name}", TRACE)
    limits(log, 524288, 524288, 4410)
    log(f"Memory cgroup stats for {POD}:", STATS53.format(anon=533299200))
    k = kill(30100, "prometheus", 2712044, 520100, 16400, 0, uid=65534, oom_score_adj=984, **({"pgtables_kb": 1188} if uid_part else {"from_table": ["oom_score_adj"]}))
    log("Tasks state (memory values in pages):", TABLE5, "[  30011]     0 30011      241        1    28672        0          -998 pause", "[  30100] 65534 30100   678011   134125  1216512        0           984 prometheus")
    log(oom_kill(k, POD, APP, cpuset=CPUSET),
        "Memory cgroup out of memory: Killed process 30100 (prometheus) total-vm:2712044kB, anon-rss:520100kB, file-rss:16400kB, shmem-rss:0kB" + (", UID:65534 pgtables:1188kB oom_score_adj:984" if uid_part else ""),
        "oom_reaper: reaped process 30100 (prometheus), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB")
    write(version, log.data(), f"{version} mm/oom_kill.c, mm/memcontrol.c (memory_stat_format(): one record with newlines in it)", [memcg_expected(k, ("prometheus", 30122), 2)],
          note="the statistics are one record: " + ("dmesg puts its further lines under the first" if uid_part else "every line of it has the same time, as on the console") + ("" if uid_part else "; no UID, pgtables, oom_score_adj in the kill line yet"))

# 5.4.0: pgtables in bytes though it says kB
log = Log(810.100200)
k = kill(611, "mongod", 1204404, 811200, 4400, 0, uid=101, oom_score_adj=0)
log(oom_kill(k, "/docker", "/docker/" + "5c" * 32, cpuset="5c" * 32), "Memory cgroup out of memory: Killed process 611 (mongod) total-vm:1204404kB, anon-rss:811200kB, file-rss:4400kB, shmem-rss:0kB, UID:101 pgtables:2170880kB oom_score_adj:0")
write("5.4.0-pgtables", log.data(), "5.4.0–5.4.8 mm/oom_kill.c: pgtables is bytes but says kB (\"mm/oom: fix pgtables units mismatch in Killed process message\")", [
    dict(k, constraint="memcg", oom_memcg="/docker", task_memcg="/docker/" + "5c" * 32, pgtables_kb=2170880)],
    note="pgtables_kb is the figure as printed; the truth was 2120 kB. The head is missing.")

# 5.15 global, constraint cpuset and mempolicy
log = Log(4000.000700, indent=True)
log("kworker/u8:2 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=-1, oom_score_adj=0", "CPU: 0 PID: 1801 Comm: kworker/u8:2 Not tainted 5.15.0-119-generic #129-Ubuntu", "Hardware name: Xen HVM domU, BIOS 4.2.amazon 08/24/2006",
    "Workqueue: events moom_callback")
stack(log, "<TASK>", "show_stack+0x52/0x5c", "dump_stack_lvl+0x4a/0x63", "dump_header+0x53/0x228", "oom_kill_process.cold+0xb/0x10", "out_of_memory+0x106/0x2e0", "moom_callback+0x7d/0xb0", "</TASK>")
mem_info(log)
k = kill(2210, "qemu-system-x86", 6211044, 5812400, 21200, 12, uid=64055, pgtables_kb=12204, oom_score_adj=0)
log("Tasks state (memory values in pages):", TABLE5, "[    412]     0   412    17011     1204   151552        0          -250 systemd-journal", "[    455]     0   455     6411     1344    77824        0         -1000 systemd-udevd",
    "[   2210] 64055  2210  1552761  1458403 12496896        0             0 qemu-system-x86")
log(oom_kill(k, None, "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator", constraint="CONSTRAINT_NONE", cpuset="/", mems="0-1"),
    "Out of memory: Killed process 2210 (qemu-system-x86) total-vm:6211044kB, anon-rss:5812400kB, file-rss:21200kB, shmem-rss:12kB, UID:64055 pgtables:12204kB oom_score_adj:0")
log.later(20)
for n, (constraint, pid) in enumerate((("CONSTRAINT_CPUSET", 3001), ("CONSTRAINT_MEMORY_POLICY", 3002))):
    log(f"numa test {n} invoked oom-killer: gfp_mask=0x140dca(GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO), order=0, oom_score_adj=-5",
        f"CPU: {n} PID: {pid} Comm: numa test {n} Tainted: P           OE     5.15.0-119-generic #129-Ubuntu", "Hardware name: Xen HVM domU, BIOS 4.2.amazon 08/24/2006")
    mem_info(log)
    log("Tasks state (memory values in pages):", TABLE5, f"[   {pid}]  1000  {pid}   152761   150001  1261568        0            -5 numa test {n}")
    log(oom_kill(dict(pid=pid, comm=f"numa test {n}", uid=1000), None, "/user.slice/user-1000.slice/session-3.scope", constraint=constraint, cpuset="numa" if n == 0 else "/", mems="1", nodemask="1" if n else "(null)"),
        f"Out of memory: Killed process {pid} (numa test {n}) total-vm:611044kB, anon-rss:599804kB, file-rss:200kB, shmem-rss:0kB, UID:1000 pgtables:1232kB oom_score_adj:-5").later(9)
glob = dict(trigger_comm="kworker/u8:2", trigger_pid=1801, tasks_listed=3, constraint="none", task_memcg="/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator")
write("5.15-global", log.data(), "5.15 mm/oom_kill.c, lib/show_mem.c; drivers/tty/sysrq.c for the first (order=-1)", [dict(k, **glob)] + [
    dict(kill(pid, f"numa test {n}", 611044, 599804, 200, 0, uid=1000, pgtables_kb=1232, oom_score_adj=-5), constraint=c, task_memcg="/user.slice/user-1000.slice/session-3.scope",
         trigger_comm=f"numa test {n}", trigger_pid=pid, tasks_listed=1) for n, (c, pid) in enumerate((("cpuset", 3001), ("memory_policy", 3002)))],
    note="a sysrq-f kill, one by cpuset, one by memory policy; systemd's escapes in a cgroup name")

# 6.6, cgroup v2, one record a statistic
log = Log(99120.123400)
memcg_head(log, ".NET TP Worker invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=994", None, "CPU: 2 PID: 71200 Comm: .NET TP Worker Not tainted 6.6.32-1-lts #1", ("<TASK>", "dump_stack_lvl+0x47/0x60", "dump_header+0x4a/0x250",
           "oom_kill_process+0x10d/0x1c0", "out_of_memory+0x103/0x350", "mem_cgroup_out_of_memory+0x12d/0x140", "try_charge_memcg+0x754/0x8a0", "</TASK>"))
log("memory: usage 524288kB, limit 524288kB, failcnt 4410", "swap: usage 0kB, limit 0kB, failcnt 0", f"Memory cgroup stats for {SLICE}:")
log(*("anon 531628032", "file 811008", "kernel 4411392", "kernel_stack 524288", "pagetables 1753088", "sec_pagetables 0", "percpu 1152", "sock 0", "vmalloc 0", "shmem 0", "zswap 0", "zswapped 0", "file_mapped 0",
      "file_dirty 0", "file_writeback 0", "swapcached 0", "anon_thp 0", "inactive_anon 531607552", "active_anon 4096", "inactive_file 0", "active_file 0", "unevictable 0", "slab_reclaimable 604800", "slab_unreclaimable 1220608",
      "workingset_refault_anon 0", "workingset_refault_file 40", "pgscan 8812", "pgsteal 8100", "pgfault 241395", "pgmajfault 33"), step=2)
k = kill(71150, "dotnet", 8211044, 514300, 11200, 0, uid=1654, pgtables_kb=1604, oom_score_adj=994)
log("Tasks state (memory values in pages):", TABLE5, "[  71020] 65535 71020      249        1    32768        0          -998 pause", "[  71150]  1654 71150  2052761   131375  1642496        0           994 dotnet")
log(oom_kill(k, SLICE, SCOPE, cpuset=SCOPE.split("/")[-1]), "Memory cgroup out of memory: Killed process 71150 (dotnet) total-vm:8211044kB, anon-rss:514300kB, file-rss:11200kB, shmem-rss:0kB, UID:1654 pgtables:1604kB oom_score_adj:994",
    f"Tasks in {SCOPE} are going to be killed due to memory.oom.group set",
    "Memory cgroup out of memory: Killed process 71150 (dotnet) total-vm:8211044kB, anon-rss:514300kB, file-rss:11200kB, shmem-rss:0kB, UID:1654 pgtables:1604kB oom_score_adj:994")
write("6.6", log.data(), "6.6 mm/oom_kill.c, mm/memcontrol.c (one record a statistic since 6.5)", [
    memcg_expected(k, (".NET TP Worker", 71200), 2, oom=SLICE, task=SCOPE, group_kill=True)], duplicate_kill_lines=[71150],
    note="the trigger is a thread of the victim, with a name of its own; the cgroup of \"Tasks in\" is the container's, the limit the pod's")


# ------------------------------------------------------------------------------------- no kill
log = Log(100.000001)
log("Memory cgroup out of memory: OOM victim 4120 (java) is already exiting. Skip killing the task", "Out of memory: OOM victim 77 (sshd) is already exiting. Skip killing the task")
log("kworker/1:2: page allocation failure: order:5, mode:0x40dc0(GFP_KERNEL|__GFP_COMP|__GFP_ZERO), nodemask=(null),cpuset=/,mems_allowed=0", "CPU: 1 PID: 3311 Comm: kworker/1:2 Not tainted 5.15.0-119-generic #129-Ubuntu")
stack(log, "dump_stack_lvl+0x4a/0x63", "warn_alloc.cold+0x7b/0xdf", "__alloc_pages+0x2f5/0x330")
mem_info(log)
log.later(3)
log("Out of memory and no killable processes...", "warn_alloc: 3 callbacks suppressed", "oom_kill_process: 7 callbacks suppressed",
    "oom_reaper: unable to reap pid:4120 (java)", "oom_reaper: reaped process 4120 (java), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB", "oom killer 4120 (java) has mm pinned by 1 (systemd)",
    "Kill process 4133 (java) sharing same memory", "Would have killed process 4120 (java). But continuing instead.", "java[4120]: segfault at 0 ip 00007f0c error 4 in libjvm.so[7f0c+1000]",
    "Out of memory: Kill process 4120 (java) score 912 or sacrifice child", "OOM killer disabled.", "OOM killer enabled.", "oom killer: gfp_mask=0x0 is not a report",
    "audit: type=1701 audit(1732429777.123:45): auid=4294967295 uid=0 gid=0 ses=4294967295 pid=4120 comm=\"Killed process 1\" exe=\"/bin/x\" sig=9 res=1",
    "myapp[77]: last line of my log said \"Killed process 4120 (java) total-vm:1kB\" yesterday")
log("Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled")
write("nokill", log.data(), "5.15 mm/oom_kill.c, mm/page_alloc.c; 2.6.32 of RHEL 6 for \"Would have killed\"; 4.x for \"sharing same memory\"", [],
      note="nobody is reported killed. \"Kill process … sharing same memory\" does mean a SIGKILL, but has no report of its own. \"Kill process … or sacrifice child\" alone names no victim: its kill line is missing here.",
      suppressed_reports=7, maybe_kill_lines=["Kill process 4133 (java) sharing same memory"])

lines = ["Nov 24 06:29:38 web-1 myapp[4242]: Out of memory: Killed process 1 (systemd) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0",
         "Nov 24 06:29:38 web-1 root: Memory cgroup out of memory: Killed process 2 (kthreadd) total-vm:1kB, anon-rss:1kB, file-rss:0kB",
         "Nov 24 06:29:39 web-1 systemd[1]: myapp.service: A process of this unit has been killed by the OOM killer.",
         "Nov 24 06:29:39 web-1 systemd-oomd[611]: Killed /system.slice/myapp.service due to memory pressure for /system.slice being 61.20% > 60.00% for > 20s with reclaim activity",
         "Nov 24 06:29:39 web-1 earlyoom[612]: sending SIGTERM to process 4242 uid 1000 \"myapp\": badness 900, VmRSS 811 MiB",
         "Nov 24 06:29:40 web-1 kubelet[900]: I1124 06:29:40.000001     900 oom_watcher_linux.go:77] \"Got sys oom event\" event={\"Pid\":4242,\"ProcessName\":\"myapp\"}",
         "<14>1 2026-11-24T06:29:41.000001+00:00 web-1 myapp 4242 - - Out of memory: Killed process 3 (x) total-vm:1kB, anon-rss:1kB, file-rss:0kB"]
write("nokill-userspace", ("\n".join(lines) + "\n").encode(), "user-space lines about kills: the syslog tag is not kernel, or the priority's facility is not 0", [],
      note="the tag in front (myapp[4242]:, root:) and the RFC 5424 application and facility (14 = user.info) tell that the kernel did not say it", spoof_pids=[1, 2, 3], when="wall-s", lost=dict(year=True))


# --------------------------------------------------------------- what real captures suffer
def report(log, k, trigger, oom, task, rows, usage, failcnt, caller=None, version="5.15.0-119-generic #129-Ubuntu"):
    """A whole short report of 5.15, as a list of texts."""
    out = [f"{trigger[0]} invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj={k['oom_score_adj']}", f"CPU: 1 PID: {trigger[1]} Comm: {trigger[0]} Not tainted {version}", "Call Trace:", " <TASK>",
           " dump_stack_lvl+0x4a/0x63", " dump_header+0x53/0x228", " oom_kill_process.cold+0xb/0x10", " </TASK>",
           f"memory: usage {usage}kB, limit {usage}kB, failcnt {failcnt}", "swap: usage 0kB, limit 9007199254740988kB, failcnt 0", f"Memory cgroup stats for {oom}:", f"anon {usage * 1000}\nfile 0\nkernel_stack 98304\npgfault 1100",
           "Tasks state (memory values in pages):", TABLE5, *rows, oom_kill(k, oom, task, cpuset="/"),
           f"Memory cgroup out of memory: Killed process {k['pid']} ({k['comm']}) total-vm:{k['total_vm_kb']}kB, anon-rss:{k['anon_rss_kb']}kB, file-rss:{k['file_rss_kb']}kB, shmem-rss:0kB, UID:{k['uid']} pgtables:{k['pgtables_kb']}kB oom_score_adj:{k['oom_score_adj']}"]
    return out


def row(pid, uid, vm, rss, adj, comm):
    return f"[{pid:7d}] {uid:5d} {pid:5d} {vm:8d} {rss:8d} {393216:8d} {0:8d}         {adj:5d} {comm}"


KA = kill(8101, "alpha", 400000, 300000, 2000, 0, uid=1001, pgtables_kb=384, oom_score_adj=900)
KB = kill(8202, "beta", 240000, 120000, 1000, 0, uid=1002, pgtables_kb=384, oom_score_adj=-10)
A = report(None, KA, ("alpha-main", 8100), POD, APP, [row(8100, 1001, 2000, 500, 900, "alpha-main"), row(8101, 1001, 100000, 75500, 900, "alpha")], 310000, 41)
B = report(None, KB, ("beta", 8202), SLICE, SCOPE, [row(8202, 1002, 60000, 30250, -10, "beta")], 130000, 52)
EA = memcg_expected(KA, ("alpha-main", 8100), 2, 310000, 41)
EB = memcg_expected(KB, ("beta", 8202), 1, 130000, 52, SLICE, SCOPE)
SOURCE = "5.15 mm/oom_kill.c"


def kill_only(k, **more):
    return dict(k, constraint="memcg", **more)


def plain(texts, start=3000.0):
    return Log(start)(*texts)


# interleaved, with and without caller ids
log, order = Log(3000.000001), []
ia = ib = 0
pattern = "AABABBAAAB"
step = 0
while ia < len(A) or ib < len(B):
    side = pattern[step % len(pattern)]
    step += 1
    if side == "A" and ia < len(A) or ib >= len(B):
        order.append(("T8100", A[ia])); ia += 1
    else:
        order.append(("T8202", B[ib])); ib += 1
for caller, text in order:
    log(text, caller=caller, step=3)
write("interleaved-caller", log.data(), SOURCE + "; two CPUs' reports line by line, with caller ids (CONFIG_PRINTK_CALLER)", [EA, EB],
      note="order of the kills is not fixed. The caller tells each line's report. (The kernel holds oom_lock, so that whole reports do not interleave in practice; other lines do.)", any_order=True)
log = Log(3000.000001)
for caller, text in order:
    log(text, step=3)
write("interleaved-no-caller", log.data(), SOURCE + "; the same without caller ids", [
    dict(KA, constraint="memcg", oom_memcg=POD, task_memcg=APP), dict(KB, constraint="memcg", oom_memcg=SLICE, task_memcg=SCOPE)], any_order=True,
    note="summary and kill lines name their pid and can be joined; trigger, usage and table cannot be told for sure and must not be given to the wrong one: "
         "if given they must be these", or_nothing=dict([(str(e["pid"]), {n: e[n] for n in ("trigger_comm", "trigger_pid", "usage_kb", "limit_kb", "failcnt", "tasks_listed")}) for e in (EA, EB)]))

# noise between: other kernel lines, oom_reaper of the previous one
noise = ["usb 1-1: new high-speed USB device number 4 using xhci_hcd", "TCP: request_sock_TCP: Possible SYN flooding on port 443. Sending cookies.", "eth0: Link is Up - 1Gbps/Full",
         "oom_reaper: reaped process 7000 (old), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB", "audit: type=1400 audit(1732429777.1:9): apparmor=\"DENIED\" comm=\"beta\"", "[ 8101] is no table row here"]
log = Log(3000.000001)
for i, text in enumerate(A + B):
    log(text, step=3)
    if i % 3 == 1:
        log(noise[i // 3 % len(noise)], step=2)
write("noise-between", log.data(), SOURCE + "; other kernel lines between those of two reports", [EA, EB])

# truncated
write("head-lost", plain(A[A.index(A[8]):] + B).data(), SOURCE + "; the first report starts at its \"memory:\" line", [{n: v for n, v in EA.items() if not n.startswith("trigger")}, EB], missing={"8101": ["invoked"]})
noise = [f"eth0: link is up, {n} packets" for n in range(2000)]
write("head-lost-then-next", plain(noise + A[A.index(A[8]):] + B).data(), SOURCE + "; much noise, then a report that starts at its \"memory:\" line, then the next one's first line right behind it", [{n: v for n, v in EA.items() if not n.startswith("trigger")}, EB], missing={"8101": ["invoked"]})
write("tail-lost", plain(A + B[:-1]).data(), SOURCE + "; the log ends before the second kill line", [EA], possible_kill=dict(pid=8202, comm="beta", uid=1002, oom_memcg=SLICE, task_memcg=SCOPE),
      note="the summary line of the second is there: the kernel prints it before it kills. Say \"kill line missing\", or nothing; not a whole kill.")
cut_log = plain(A + B).data()
at = cut_log.rindex(b"anon-rss:120000") + len(b"anon-rss:120")
write("kill-line-cut", cut_log[:at], SOURCE + "; the file ends in the middle of the second kill line: anon-rss:120", [
    EA, dict({n: v for n, v in EB.items() if n not in ("anon_rss_kb", "file_rss_kb", "shmem_rss_kb", "pgtables_kb")})],
    note="anon-rss is cut in the number: it must not be read as 120 kB. pid, name and total-vm are whole; uid is in the summary line, oom_score_adj in the table.")
write("summary-only-pair", plain([A[-2], A[-1]]).data(), SOURCE + "; only the two last lines, as grep finds them", [kill_only(KA, oom_memcg=POD, task_memcg=APP)])
write("repeated", plain(A).data() * 2, SOURCE + "; the same lines twice (a log shipped twice): one process, one kill", [EA])
second = plain(A + B, 3000).data()
write("reboot", second + b"[    0.000000] Linux version 5.15.0-119-generic (buildd@lcy02) (gcc 11.4.0) #129-Ubuntu SMP\n" + plain(A, 12).data(),
      SOURCE + "; a boot in between: the same pid, killed again after it", [EA, EB, EA], note="the time goes back at \"Linux version\": another boot, another process")
# pid used again, hours later
write("pid-reused", Log(3000)(*A).later(90000)(*A).data(), SOURCE + "; the same pid and name a day later: two kills", [EA, EA])

# bytes
middle = plain(A + B).data()
junk = bytes((i * 89 + 7) % 256 for i in range(2000)).replace(b"\n", b"\x00")
cut_at = middle.index(b"memory: usage 130000")
cut_at = middle.rindex(b"\n", 0, cut_at) + 1
write("binary-junk", b"\x7fELF\x02\x01\x01" + junk[:500] + b"\n" + middle[:cut_at] + junk + b"\n" + middle[cut_at:] + junk[:100], SOURCE + "; binary bytes before, between and after lines", [EA, EB])
write("nul-bytes", b"\0" * 4096 + middle.replace(b"beta invoked", b"\0\0\0beta invoked") + b"\0" * 512, SOURCE + "; NUL bytes as a file has after a crash: before the first line, in one line after its time, at the end", [EA, EB])
long_line = b"[ 2999.000000] audit: " + b"x" * (1 << 20) + b" Killed process 1 (no) total-vm:1kB, anon-rss:1kB, file-rss:1kB, shmem-rss:0kB\n"
half = middle.index(b"memory: usage 310000")
half = middle.rindex(b"\n", 0, half) + 1
write("long-line", middle[:half] + long_line + middle[half:], SOURCE + "; a line of 1 MiB between", [EA, EB], note="the long line's end looks like a kill line: it is not one (its line starts otherwise)")
write("empty", b"", "an empty file", [], when="none")
write("blank-lines", b"\n\n" + middle.replace(b"\n", b"\n\n"), SOURCE + "; an empty line after each", [EA, EB])
write("leading-space", b"".join(b"   \t" + l + b"\n" for l in middle.split(b"\n")[:-1]), SOURCE + "; each line indented", [EA, EB])
print(len(os.listdir(OUT)), "files")
