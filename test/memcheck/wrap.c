/*
 * pidfd_open(2) where there is none: valgrind 3.19 does not know it. Linked
 * into the programs and tables of the `valgrind` build by --wrap. A process
 * that valgrind leaves alone, $LP_PIDFD, opens it for us and hands it over.
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

int __wrap_pidfd_open(pid_t, unsigned);

/* The descriptor that comes with a message's one byte, close-on-exec, or -1. */
static int
take(int from)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .room = { 0 } };
	char byte;
	struct iovec io = { &byte, 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control.room,
		.msg_controllen = sizeof(control.room) };
	int fd = -1;

	if (recvmsg(from, &m, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&m) != NULL)
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

int
__wrap_pidfd_open(pid_t pid, unsigned flags)
{
	char *helper = getenv("LP_PIDFD"), number[16];
	char *argv[] = { helper, number, NULL }, *envp[] = { NULL };
	posix_spawn_file_actions_t actions;
	int pair[2], fd, rc, status = 0;
	pid_t child;

	if (helper == NULL || flags != 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		errno = ENOSYS;
		return -1;
	}
	snprintf(number, sizeof(number), "%d", (int)pid);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pair[1], STDOUT_FILENO);
	rc = posix_spawn(&child, helper, &actions, NULL, argv, envp);
	posix_spawn_file_actions_destroy(&actions);
	close(pair[1]);
	fd = rc == 0 ? take(pair[0]) : -1;
	close(pair[0]);
	if (rc == 0)
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
	if (fd < 0)
		errno = rc != 0 ? rc : WEXITSTATUS(status);
	return fd;
}
