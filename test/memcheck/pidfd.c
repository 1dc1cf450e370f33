/*
 * pidfd PID: open the process and send the descriptor over the socket that is
 * stdout, beside one byte. Its exit status is errno, or 0.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .room = { 0 } };
	struct iovec io = { (char[]){ 0 }, 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control.room,
		.msg_controllen = sizeof(control.room) };
	struct cmsghdr *h = &control.align;
	int fd = argc == 2 ? pidfd_open((pid_t)strtol(argv[1], NULL, 10), 0) : -1;

	if (fd < 0)
		return argc == 2 ? errno : EINVAL;
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	return sendmsg(STDOUT_FILENO, &m, MSG_NOSIGNAL) == 1 ? 0 : errno;
}
