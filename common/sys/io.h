/*
 * Reading and writing descriptors: loops where the kernel may be short,
 * goes on after EINTR, waits where a descriptor is non-blocking, and never mistakes one kind of end for another.
 * Statuses of base/status.h; errno is left set behind LP_E_SYS.
 */
#ifndef LP_SYS_IO_H
#define LP_SYS_IO_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/span.h"

/* What one read of a pipe asks for, and the size pipes are grown to: measured, lp-inflate | lp-tarls. */
enum { LP_IO_CHUNK = 256 * 1024, LP_PIPE_SIZE = 1024 * 1024 };

/*
 * Once, before anything else: descriptors 0 to 2 are made to exist (so that
 * a file opened later never poses as a closed stdout), SIGPIPE is ignored (so
 * that EPIPE is seen and the statistics still get written), and so is SIGXFSZ
 * (a file over the limit of ulimit(1) is EFBIG, a message and 3).
 * Whether stdout is a terminal is looked at here, in front of any lock.
 */
void lp_io_init(void);

/* One read(2): bytes got, 0 at the end of file, or LP_E_SYS. May be short. */
ptrdiff_t lp_read(int fd, void *p, size_t n);

/* Reads until n bytes or the end of file: bytes got, or LP_E_SYS. */
ptrdiff_t lp_read_full(int fd, void *p, size_t n);

/* The same at an offset of a file that can seek. */
ptrdiff_t lp_pread_full(int fd, void *p, size_t n, uint64_t offset);

/*
 * Everything up to the end of file, appended to the buffer. 0, LP_E_SYS,
 * LP_E_NOMEM, or LP_E_LIMIT if there is more than the buffer's maximum.
 */
int lp_read_all(int fd, struct lp_buf *);

/* Writes all. 0, LP_E_PIPE if the reader has gone, or LP_E_SYS. */
int lp_write_all(int fd, struct lp_span);

/*
 * To stdout: as lp_write_all, and LP_E_SYS was said. lp_put_said is for who
 * writes there in another way: the status it has, said if it is LP_E_SYS,
 * errno being that of the failure, and handed back.
 */
int lp_put(struct lp_span);
int lp_put_said(int status);

/*
 * To stdout, what is lines of rows, records or JSON with text from outside
 * in it (whole lines, or whole characters at least): exact bytes, but what a
 * terminal must not see is escaped if it is one (base/escape.h,
 * lp_escape_lines). All that prints such text goes this way. Results as
 * lp_put, or LP_E_NOMEM, said.
 */
int lp_put_lines(struct lp_span, int json);

/*
 * Larger pipes mean fewer switches between two filters; what is no pipe, or
 * may not grow, stays as it is. Not before LP_PIPE_GROW_BEHIND bytes went
 * through: what lies in pipes when a reader stops early was fetched for
 * nothing.
 */
enum { LP_PIPE_GROW_BEHIND = 1024 * 1024 };
void lp_pipe_grow(int fd);

/*
 * Close stdout and look: a full disk may speak up only here. Results as
 * lp_put. Call it last.
 */
int lp_close_stdout(void);

#endif
