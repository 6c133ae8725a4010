/* witness: says, independently of the agent, what the kernel printed and counted, and in which order it could be read.
 *
 *   witness CGROUP_MOUNT
 *
 * Its output, a line each, with CLOCK_MONOTONIC in microseconds when it was read:
 *   K US RECORD                  a record of /dev/kmsg that has to do with kills
 *   L US                         records of /dev/kmsg were overwritten before they were read
 *   E US PATH HIER | LOCAL       memory.events and memory.events.local of a cgroup after a signal of inotify, where a
 *                                figure has changed: "oom oom_kill oom_group_kill" each; "gone" where they cannot be read
 *   P US PID CGROUP | LOCAL      /proc/PID/cgroup of a victim when its kill line was read, and memory.events.local there,
 *                                figures as above; "gone" where there is none
 *   C US PATH, D US PATH         a cgroup was created, removed
 *   O US                         inotify's queue overflowed
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#define MOST 1024

static struct {
	char *path;
	char last[128];
} watched[MOST];
static int notify;
static const char *watched_root;
static size_t root_length;

static long long now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static long figure(const char *text, const char *name)
{
	char line[64];
	snprintf(line, sizeof line, "\n%s ", name);
	const char *at = strstr(text, line);
	return at ? atol(at + strlen(line)) : -1;
}

static void read_file(const char *directory, const char *name, char *into, size_t size)
{
	char path[4096], text[512] = "\n";
	snprintf(path, sizeof path, "%s/%s", directory, name);
	int fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text + 1, sizeof text - 2) <= 0)
		snprintf(into, size, "gone");
	else
		snprintf(into, size, "%ld %ld %ld", figure(text, "oom"), figure(text, "oom_kill"), figure(text, "oom_group_kill"));
	if (fd >= 0)
		close(fd);
}

static void say_events(int watch)
{
	char hierarchical[48], local[48], both[128];
	read_file(watched[watch].path, "memory.events", hierarchical, sizeof hierarchical);
	read_file(watched[watch].path, "memory.events.local", local, sizeof local);
	snprintf(both, sizeof both, "%s | %s", hierarchical, local);
	if (!strcmp(both, watched[watch].last))
		return;
	strcpy(watched[watch].last, both);
	printf("E %lld %s %s\n", now_us(), watched[watch].path + root_length, both);
}

/* Watches a cgroup and those below: a child can have come before the watch. */
static void watch_tree(const char *directory)
{
	int watch = inotify_add_watch(notify, directory, IN_MODIFY | IN_CREATE | IN_DELETE | IN_ONLYDIR);
	if (watch < 0 || watch >= MOST || watched[watch].path)
		return;
	watched[watch].path = strdup(directory);
	strcpy(watched[watch].last, "0 0 0 | 0 0 0");
	printf("C %lld %s\n", now_us(), directory + root_length);
	/* The kernel signals a change of a file only while it has its inode in memory, which takes one that has it open. */
	char path[1024];
	snprintf(path, sizeof path, "%s/memory.events", directory);
	open(path, O_RDONLY);
	snprintf(path, sizeof path, "%s/memory.events.local", directory);
	open(path, O_RDONLY);
	say_events(watch);
	DIR *entries = opendir(directory);
	for (struct dirent *entry; entries && (entry = readdir(entries));) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
		watch_tree(path);
	}
	if (entries)
		closedir(entries);
}

static void read_notify(void)
{
	char buffer[16384] __attribute__((aligned(8)));
	ssize_t length = read(notify, buffer, sizeof buffer);
	for (char *at = buffer; at < buffer + length;) {
		struct inotify_event *event = (struct inotify_event *)at;
		at += sizeof *event + event->len;
		char path[1024];
		if (event->mask & IN_Q_OVERFLOW)
			printf("O %lld\n", now_us());
		else if (event->wd < 0 || event->wd >= MOST || !watched[event->wd].path)
			continue;
		else if (event->mask & IN_CREATE && event->mask & IN_ISDIR) {
			snprintf(path, sizeof path, "%s/%s", watched[event->wd].path, event->name);
			watch_tree(path);
		} else if (event->mask & IN_DELETE && event->mask & IN_ISDIR)
			printf("D %lld %s/%s\n", now_us(), watched[event->wd].path + root_length, event->name);
		else if (event->mask & IN_MODIFY && !strncmp(event->name, "memory.events", 13))
			say_events(event->wd);
	}
}

static int is_telling(const char *record)
{
	return strstr(record, "illed process ") || strstr(record, "oom-kill:") || strstr(record, "memory.oom.group") ||
	       strstr(record, "invoked oom-killer") || strstr(record, "callbacks suppressed") || strstr(record, "oom_reaper");
}

static void say_proc(const char *record)
{
	const char *victim = strstr(record, "Killed process ");
	if (!victim)
		return;
	char path[64], text[1024] = "gone";
	int pid = atoi(victim + strlen("Killed process "));
	snprintf(path, sizeof path, "/proc/%d/cgroup", pid);
	int fd = open(path, O_RDONLY);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (length >= 0)
		text[length] = 0;
	text[strcspn(text, "\n")] = 0;
	char directory[2048], local[48] = "gone";
	/* 0::PATH is all that there is without cgroup v1. */
	if (!strncmp(text, "0::", 3)) {
		snprintf(directory, sizeof directory, "%s%s", watched_root, text + 3);
		read_file(directory, "memory.events.local", local, sizeof local);
	}
	printf("P %lld %d %s | %s\n", now_us(), pid, text, local);
	if (fd >= 0)
		close(fd);
}

static void read_kmsg(int kmsg)
{
	char record[8193];
	for (;;) {
		ssize_t length = read(kmsg, record, sizeof record - 1);
		if (length < 0 && errno == EPIPE) {
			printf("L %lld\n", now_us());
			continue;
		}
		if (length <= 0)
			return;
		record[length] = 0;
		record[strcspn(record, "\n")] = 0;
		if (is_telling(record))
			printf("K %lld %s\n", now_us(), record);
		say_proc(record);
	}
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	notify = inotify_init1(IN_NONBLOCK);
	int kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	if (notify < 0 || kmsg < 0)
		return 3;
	lseek(kmsg, 0, SEEK_END);
	watched_root = argv[1];
	root_length = strlen(argv[1]);
	watch_tree(argv[1]);
	for (;;) {
		fflush(stdout);
		struct pollfd fds[] = {{notify, POLLIN, 0}, {kmsg, POLLIN, 0}};
		poll(fds, 2, -1);
		if (fds[0].revents)
			read_notify();
		if (fds[1].revents)
			read_kmsg(kmsg);
	}
}
