/*
 * What is known of an image beside its rows (--about): the JSON document that
 * lp-peek -j writes, with rows in it or without.
 */
#ifndef LP_SHOW_ABOUT_H
#define LP_SHOW_ABOUT_H

#include "common/base/jsonread.h"
#include "common/view/imagedoc.h"

struct lp_about {
	struct lp_imagedoc doc; /* of nothing, if there was no such document */
	const char *error;      /* what has failed, or NULL */
	struct lp_layerdoc *layer;
	json_t *json;           /* what the texts are borrowed from */
};

/* Read it to the end of the file. LP_OK, or LP_E_DATA, LP_E_LIMIT, LP_E_SYS, LP_E_NOMEM after a message. To be released in any case. */
int lp_about_read(struct lp_about *, int fd, const char *name);
void lp_about_release(struct lp_about *);

#endif
