/*
 * What functions below cmd/ return: 0 is fine, negative is one of these.
 * They print nothing; the program says it once (sys/err.h) and turns the
 * status into an exit code with lp_exit_of().
 */
#ifndef LP_BASE_STATUS_H
#define LP_BASE_STATUS_H

enum lp_status {
	LP_OK = 0,
	LP_E_DATA = -1,   /* malformed input: retrying cannot help */
	LP_E_LIMIT = -2,  /* well-formed, but above a limit of base/limits.h */
	LP_E_NOMEM = -3,  /* memory */
	LP_E_SYS = -4,    /* a system call failed; errno says how */
	LP_E_NET = -5,    /* the network or a server failed */
	LP_E_ABSENT = -6, /* the answer is no: not there, not kept, not complete */
	LP_E_PIPE = -7,   /* the reader of our output has gone: it has enough */
	LP_E_USAGE = -8   /* the caller's words make no sense */
};

#endif
