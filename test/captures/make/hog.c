/* hog: be killed by the OOM killer, on purpose, in a memory cgroup.
 *
 *   hog CGROUP_PROCS NAME_HEX UID OOM_SCORE_ADJ FILL_MB [WAIT_FD [CGROUP_PROCS NAME_HEX …]]
 *
 * Joins the cgroup whose cgroup.procs (or tasks) file is CGROUP_PROCS, takes the name, the
 * oom_score_adj and the uid, then touches FILL_MB of anonymous memory (0: until it is killed),
 * says "ready PID\n" on standard output and waits. With WAIT_FD a byte is read from that descriptor
 * before the memory is touched. Arguments after WAIT_FD are those of a child, started first.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, text, strlen(text)) < 0) {
		perror(path);
		exit(3);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	char name[16] = {0}, number[32];
	if (argc < 6)
		return 2;
	if (argc > 7) {
		pid_t child = fork();
		if (child == 0) {
			argv[6] = argv[0];
			execv("/proc/self/exe", argv + 6);
			_exit(7);
		}
	}
	for (size_t i = 0; i < 15 && argv[2][2 * i]; i++) {
		unsigned byte;
		sscanf(argv[2] + 2 * i, "%2x", &byte);
		name[i] = (char)byte;
	}
	snprintf(number, sizeof number, "%d", getpid());
	put(argv[1], number);
	put("/proc/self/oom_score_adj", argv[4]);
	unsigned uid = (unsigned)strtoul(argv[3], NULL, 10);
	if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid)) {
		perror("setresuid");
		return 3;
	}
	prctl(PR_SET_NAME, name);
	if (argc > 6) {
		char c;
		if (read(atoi(argv[6]), &c, 1) != 1)
			return 4;
	}
	size_t step = 1 << 20, fill = (size_t)atol(argv[5]);
	for (size_t mb = 0; fill == 0 || mb < fill; mb++) {
		char *p = mmap(NULL, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return 5;
		for (size_t i = 0; i < step; i += 4096)
			p[i] = 1;
	}
	int length = snprintf(number, sizeof number, "ready %d\n", getpid());
	if (write(1, number, length) != length)
		return 6;
	pause();
	return 0;
}
