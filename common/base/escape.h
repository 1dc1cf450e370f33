/*
 * The escapes of a row's fields (lp(5), "Escapes"): \\ \t \n \r, and \xHH
 * for other control bytes and for each byte that is not part of valid
 * UTF-8. Reversible, so a row is always one line and a field never holds a
 * tab.
 */
#ifndef LP_BASE_ESCAPE_H
#define LP_BASE_ESCAPE_H

#include "common/base/buf.h"
#include "common/base/span.h"

enum lp_escape_for {
	LP_ESCAPE_ROW,     /* exactly the reversible form of lp(5) */
	LP_ESCAPE_TERMINAL, /* also the code points of lp_utf8_unsafe, for eyes */
	LP_ESCAPE_AGAIN     /* that, but no backslash: of text that was escaped for eyes already, nothing then */
};

/*
 * How many leading bytes are printable ASCII other than the backslash and
 * `besides`: what nearly all names are made of. Looks at many at a time.
 */
size_t lp_plain_run(struct lp_span, unsigned char besides);

/* How many leading bytes need no escape: a field's whole length, mostly. */
size_t lp_escape_clean(struct lp_span, enum lp_escape_for);

/* Append the escaped form. 0, LP_E_LIMIT or LP_E_NOMEM. */
int lp_escape(struct lp_buf *, struct lp_span, enum lp_escape_for);

/*
 * The same, into a buffer that has its memory already: what does not
 * fit is cut, between two characters and between two escapes, and ends in "...":
 * LP_E_LIMIT, and nothing more is to be appended. 0 if all of it fits.
 */
int lp_escape_cut(struct lp_buf *, struct lp_span, enum lp_escape_for);

/*
 * Append text of lines that are rows, records or JSON already, with what a
 * terminal must not see escaped: bytes that may stand in such lines exactly,
 * but not before eyes. \xHH for each byte, in JSON \uHHHH; the result means
 * the same to who reads it. Tabs, newlines and NULs stay.
 * 0, LP_E_LIMIT or LP_E_NOMEM. (sys/io.h, lp_put_lines)
 */
int lp_escape_lines(struct lp_buf *, struct lp_span, int json);

/*
 * Append what an escaped field stands for. 0, LP_E_LIMIT, LP_E_NOMEM, or
 * LP_E_DATA where a backslash starts no escape that lp_escape writes.
 */
int lp_unescape(struct lp_buf *, struct lp_span);

/*
 * Append bytes as a part of a URL that means nothing but them: percent-encoded,
 * unless RFC 3986 section 2.3 has them unreserved. 0, LP_E_LIMIT or LP_E_NOMEM.
 */
int lp_percent(struct lp_buf *, struct lp_span);

#endif
