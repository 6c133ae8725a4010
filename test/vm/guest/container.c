/* container: a container as the kernel sees it (a shim, PID 1 of a pid namespace, its children) that overruns its limit.
 *
 *   container CGROUP_DIRECTORY KEY=VALUE…
 *
 * The shim stays in the cgroup that it was started in; PID 1 and its children are in CGROUP_DIRECTORY.
 *   comm=HEX      name of the processes that take memory
 *   uid=N         whose they are (default 0)
 *   adj=N         their oom_score_adj (default 0); PID 1 has -998 where children take the memory
 *   fill=KIB      what each of them takes, then it waits (default 0: until it is killed, 1 GiB at most)
 *   course=KIB:MS,KIB:MS…
 *                 first each of them holds so much, reached evenly in that time, one after another
 *   tmpfs=1       what they take is a file of a tmpfs
 *   restless=1    in its course each of them touches all that it has, again and again
 *   turns=N       PID 1 starts N children one after another, each after the death of the one before, and lives on
 *   pause=MS      before each of them, and that it lives before it takes memory
 *   together=N    PID 1 starts N children at once, which take fill= each; then it takes memory itself until it is killed
 *   hold=1        PID 1 waits for a line of standard input before it takes memory or starts children in turn
 *   remove=1      the shim removes the cgroup at once when PID 1 has died
 *
 * Each line of its output is an object: {"started":PID,…} in the host's pid namespace, before it takes memory;
 * {"ended":NSPID,…} with how; {"events":…} of memory.events, read by the shim after PID 1's death, and {"removed":…}.
 * It ends when PID 1 has; one that starts children in turn ends with its standard input. Times are of CLOCK_MONOTONIC.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *directory;
static char comm[16];
static unsigned long uid, fill_kib, turns, pause_ms, together, hold, removing, on_tmpfs, restless;
static const char *course = "";
static int adj;

static long long now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static void die(const char *what)
{
	perror(what);
	exit(3);
}

/* One write a line: lines of several processes do not mix. */
static void say(const char *format, ...)
{
	char line[2048];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	if (write(1, line, length) != length)
		_exit(4);
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

/* /proc is still that of the namespace outside, so its "self" is the pid that the kernel's log has. */
static int host_pid(void)
{
	char text[32] = {0};
	if (readlink("/proc/self", text, sizeof text - 1) < 0)
		die("/proc/self");
	return atoi(text);
}

#define STEP (256 << 10)
#define MOST (1UL << 30)

static char *steps[MOST / STEP];
static size_t taken;

static void touch(char *at)
{
	for (size_t i = 0; i < STEP; i += 4096)
		at[i]++;
}

static void take_step(void)
{
	static int fd = -1;
	if (on_tmpfs && fd < 0) {
		fd = open("/tmp", O_RDWR | O_TMPFILE, 0600);
		if (fd < 0)
			die("/tmp");
	}
	if (on_tmpfs && ftruncate(fd, (taken + 1) * STEP))
		die("ftruncate");
	int flags = on_tmpfs ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
	char *at = mmap(NULL, STEP, PROT_READ | PROT_WRITE, flags, fd, on_tmpfs ? taken * STEP : 0);
	if (at == MAP_FAILED)
		die("mmap");
	touch(at);
	steps[taken++] = at;
}

static void follow(unsigned long kib, unsigned long ms)
{
	size_t from = taken, until = ((size_t)kib << 10) / STEP;
	long long start = now_us(), length = ms * 1000LL;
	for (long long past = 0; past < length;) {
		past = now_us() - start;
		while (until > from && taken < until && (long long)(taken - from) * length < past * (long long)(until - from))
			take_step();
		for (size_t i = 0; restless && i < taken; i++)
			touch(steps[i]);
		usleep(20000);
	}
}

static void lead_course(void)
{
	unsigned long kib, ms;
	int length;
	for (const char *at = course; sscanf(at, "%lu:%lu%n", &kib, &ms, &length) == 2; at += at[length] ? length + 1 : length)
		follow(kib, ms);
}

/* Takes the victim's name and rights, says who it is, then touches page after page. */
static void take_memory(unsigned long kib)
{
	char number[16];
	snprintf(number, sizeof number, "%d", adj);
	put("/proc/self/oom_score_adj", number);
	prctl(PR_SET_NAME, comm);
	int pid = host_pid();
	if (uid && (setresgid(uid, uid, uid) || setresuid(uid, uid, uid)))
		die("setresuid");
	say("{\"started\":%d,\"nsPid\":%d,\"atUs\":%lld}\n", pid, getpid(), now_us());
	lead_course();
	size_t most = kib ? kib << 10 : MOST;
	while (taken * STEP < most)
		take_step();
	say("{\"full\":%d}\n", pid);
	for (;;)
		pause();
}

static void say_end(pid_t ns_pid, int status)
{
	say("{\"ended\":%d,\"signal\":%d,\"status\":%d,\"atUs\":%lld}\n", ns_pid,
	    WIFSIGNALED(status) ? WTERMSIG(status) : 0, WIFEXITED(status) ? WEXITSTATUS(status) : 0, now_us());
}

static void wait_for_line(void)
{
	char c;
	if (read(0, &c, 1) != 1)
		_exit(0);
}

/* PID 1 of the container: it lives until standard input ends, unless it is killed. */
static void run_pid1(void)
{
	char path[1024];
	snprintf(path, sizeof path, "%s/cgroup.procs", directory);
	/* 0 stands for the one that writes: its number here is not the one that the cgroup file wants. */
	put(path, "0");
	say("{\"pid1\":%d}\n", host_pid());
	for (unsigned long i = 0; i < together; i++)
		if (fork() == 0)
			take_memory(fill_kib);
	if (hold)
		wait_for_line();
	if (turns == 0)
		take_memory(together ? 0 : fill_kib);
	put("/proc/self/oom_score_adj", "-998");
	for (unsigned long i = 0; i < turns; i++) {
		/* The last one's memory may be held a moment longer by who reads its /proc; then fork() would kill us. */
		usleep(pause_ms * 1000);
		pid_t child = fork();
		if (child == 0) {
			usleep(pause_ms * 1000);
			take_memory(fill_kib);
		}
		int status;
		if (waitpid(child, &status, 0) < 0)
			die("waitpid");
		say_end(child, status);
	}
	say("{\"done\":true}\n");
	for (char c; read(0, &c, 1) == 1;)
		;
	_exit(0);
}

static void say_events(void)
{
	char path[1024], text[512] = {0};
	snprintf(path, sizeof path, "%s/memory.events", directory);
	int fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
		die(path);
	close(fd);
	for (char *c = text; *c; c++)
		if (*c == '\n')
			*c = ';';
	say("{\"events\":\"%s\",\"atUs\":%lld}\n", text, now_us());
}

/* As a runtime does when the container has ended; the last of its threads may still be leaving. */
static void remove_cgroup(void)
{
	int busy = 0;
	while (rmdir(directory)) {
		if (errno != EBUSY)
			die(directory);
		busy++;
		usleep(100);
	}
	say("{\"removed\":true,\"busy\":%d,\"atUs\":%lld}\n", busy, now_us());
}

static void read_comm(const char *hex)
{
	for (size_t i = 0; i < 15 && hex[2 * i]; i++) {
		unsigned byte;
		sscanf(hex + 2 * i, "%2x", &byte);
		comm[i] = (char)byte;
	}
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	directory = argv[1];
	for (int i = 2; i < argc; i++) {
		char *value = strchr(argv[i], '=');
		if (!value)
			return 2;
		*value++ = 0;
		if (!strcmp(argv[i], "comm")) read_comm(value);
		else if (!strcmp(argv[i], "uid")) uid = strtoul(value, NULL, 10);
		else if (!strcmp(argv[i], "adj")) adj = atoi(value);
		else if (!strcmp(argv[i], "fill")) fill_kib = strtoul(value, NULL, 10);
		else if (!strcmp(argv[i], "turns")) turns = strtoul(value, NULL, 10);
		else if (!strcmp(argv[i], "pause")) pause_ms = strtoul(value, NULL, 10);
		else if (!strcmp(argv[i], "together")) together = strtoul(value, NULL, 10);
		else if (!strcmp(argv[i], "hold")) hold = strtoul(value, NULL, 10);
		else if (!strcmp(argv[i], "course")) course = value;
		else if (!strcmp(argv[i], "tmpfs")) on_tmpfs = strtoul(value, NULL, 10);
		else if (!strcmp(argv[i], "restless")) restless = strtoul(value, NULL, 10);
		else if (!strcmp(argv[i], "remove")) removing = strtoul(value, NULL, 10);
		else return 2;
	}
	if (unshare(CLONE_NEWPID))
		die("unshare");
	pid_t pid1 = fork();
	if (pid1 == 0)
		run_pid1();
	int status;
	if (waitpid(pid1, &status, 0) < 0)
		die("waitpid");
	/* PID 1 has this number in its namespace. */
	say_end(1, status);
	say_events();
	if (removing)
		remove_cgroup();
	return 0;
}
