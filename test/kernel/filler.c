/* filler: fills the memory of a cgroup with something else than private memory, until it is killed.
 *
 *   filler CGROUP_PROCS KIND DIRECTORY KIB_A_SECOND
 *
 * Joins the cgroup, and takes 64 KiB at a time, at that pace (0: as fast as it can). KIND is
 *   tmpfs    a file of a tmpfs, which it mounts over DIRECTORY in a mount namespace of its own
 *   memfd    a file that has no name (memfd_create), as shared memory is
 *   pipes    pipes that nobody reads: the kernel's own memory
 *   mlock    pages of a file in DIRECTORY, read into memory and locked there: page cache that cannot be given back
 * Exit status 3: it was not killed, though it took 192 MiB.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#define STEP (64 << 10)
#define MOST (192 << 20)

static char step[STEP];

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static int open_in(const char *directory)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/filling", directory);
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	/* It is gone when the process is. */
	if (fd < 0 || unlink(path))
		die(path);
	return fd;
}

static void mount_tmpfs(const char *directory)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("filler", directory, "tmpfs", 0, "size=256m"))
		die("tmpfs");
}

static void put(int fd)
{
	if (write(fd, step, STEP) != STEP)
		die("write");
}

static void fill_pipe(void)
{
	int ends[2];
	/* A pipe holds 64 KiB as it is made. */
	if (pipe(ends))
		die("pipe");
	put(ends[1]);
}

/* Whole pages, in one mapping each. */
static void lock_pages(int fd, size_t offset)
{
	if (ftruncate(fd, offset + STEP))
		die("ftruncate");
	char *at = mmap(NULL, STEP, PROT_READ, MAP_SHARED, fd, offset);
	if (at == MAP_FAILED || mlock(at, STEP))
		die("mlock");
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	const char *kind = argv[2], *directory = argv[3];
	long pace = atol(argv[4]);
	struct rlimit files = {8192, 8192};
	setrlimit(RLIMIT_NOFILE, &files);
	memset(step, 1, sizeof step);
	int procs = open(argv[1], O_WRONLY);
	if (procs < 0 || write(procs, "0", 1) != 1)
		die(argv[1]);
	int is_pipe = !strcmp(kind, "pipes"), is_lock = !strcmp(kind, "mlock"), fd = -1;
	if (!strcmp(kind, "tmpfs"))
		mount_tmpfs(directory);
	if (!strcmp(kind, "memfd"))
		fd = memfd_create("filling", 0);
	else if (!is_pipe)
		fd = open_in(directory);
	for (size_t taken = 0; taken < MOST; taken += STEP) {
		if (is_pipe)
			fill_pipe();
		else if (is_lock)
			lock_pages(fd, taken);
		else
			put(fd);
		if (pace > 0)
			usleep(1000000LL * (STEP >> 10) / pace);
	}
	return 3;
}
