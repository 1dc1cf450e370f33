/*
 * A page for a browser: rows as a zoomable map, tables and a search. One
 * file that asks nothing of any network; what it shows is in it as data.
 */
#ifndef LP_SHOW_HTML_H
#define LP_SHOW_HTML_H

#include "common/base/buf.h"
#include "common/base/span.h"

/*
 * The page itself, cmd/show/page.html, in which @ABOUT@ stands for a JSON
 * object about the image and @ROWS@ for the rows.
 */
extern const char lp_page[];

/*
 * Append JSON in a form that an HTML parser takes for text and nothing
 * else, wherever it stands: no '<' is left, of which a string is the only
 * place in JSON. LP_OK, LP_E_LIMIT or LP_E_NOMEM.
 */
int lp_html_json(struct lp_span json, struct lp_buf *);

/*
 * Append base64 in lines of 76 of as much of `bytes` as fills lines, or with
 * `last` of all, and take that off `bytes`. Results as lp_html_json.
 */
int lp_html_base64(struct lp_buf *bytes, int last, struct lp_buf *);

#endif
