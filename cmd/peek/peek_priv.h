/*
 * What the parts of lp-peek (cmd/peek/peek.h) have of each other; what they answer
 * and say is as there.
 */
#ifndef LP_PEEK_PEEK_PRIV_H
#define LP_PEEK_PEEK_PRIV_H

#include "cmd/peek/peek.h"
#include "common/base/buf.h"
#include "common/view/imagedoc.h"

/*
 * A layer's way to its listing. Each step is one pipeline; what it comes to
 * decides the next one.
 */
enum lp_peek_step {
	LP_STEP_UNWANTED,
	LP_STEP_TWIN,   /* another origin's layer of this digest is listed first: if it has the digest, that serves */
	LP_STEP_INDEX,  /* lp-layers --soci, of the image: is there a table of contents beside it? */
	LP_STEP_TABLE,  /* lp-fetch | lp-toc --soci */
	LP_STEP_LOCATE, /* lp-toc --locate: has it a table of contents, and where? */
	LP_STEP_TOC,    /* lp-fetch | lp-toc */
	LP_STEP_FILL,   /* its head is wanted in the store */
	LP_STEP_FILLING, /* it is on its way there, with those of other layers */
	LP_STEP_STREAM, /* lp-fetch | lp-inflate | lp-tarls */
	LP_STEP_DONE
};

/* ---- peek.c ------------------------------------------------------------------------ */

/* One more turn of the crew, with the bars kept up. Where it fails no job is left. */
int lp_peek_turn(struct lp_peek *);
/* Stop if that is asked for. Others have the terminal then, or have had it: what of us is on it is taken off in time. */
void lp_peek_share_terminal(struct lp_peek *);

/* ---- peek_soci.c: tables of contents beside the image -------------------------------- */

struct lp_pipeline;
/* Whether it is worth to ask for one: the whole of a large layer is wanted, whose bytes are not at hand and may be plain. */
int lp_peek_may_have_table(const struct lp_peek_layer *);
/* Once for the image of that layer; when the answer is there, lp_peek_table_known is called for all that wait. LP_OK, or a failure after a message. */
int lp_peek_ask_tables(struct lp_peek_layer *);
/* Its table, listed. */
void lp_peek_plan_table(struct lp_pipeline *, const struct lp_peek_layer *);
const char *lp_peek_table_digest(const struct lp_peek_layer *);

/* ---- peek_path.c: an image by its path ------------------------------------------------ */

/* Before the lock: is it one? LP_OK, or LP_E_NOMEM after a message. */
int lp_peek_path_open(struct lp_peek_image *);
/* Behind it: what kind it is, in `file`, or its only layer. LP_OK; LP_E_ABSENT, LP_E_SYS, LP_E_NOMEM: said. */
int lp_peek_path(struct lp_peek_image *);

/* ---- peek_image.c ---------------------------------------------------------------------- */

/* The network options of one who does not wait for long: nobody has asked for this by itself, and it is to take seconds. */
void lp_peek_hasty_network(const struct lp_peek *, struct lp_argv *);
/* The image's next layer, of which nothing is known. */
void lp_peek_layer_init(struct lp_peek_layer *, struct lp_peek_image *);

/* ---- peek_spool.c: archives that cannot be read in place ----------------------------- */

/* Before the lock. */
void lp_peek_spool_open(struct lp_peek_image *);
/* Behind it: into a file, if need be. LP_OK; LP_E_ABSENT if it cannot be inflated, LP_E_SYS, LP_E_NOMEM: said. */
int lp_peek_spool(struct lp_peek_image *);
/* The opened file through a pipeline, to `out`. Results as above. */
int lp_peek_spool_read(struct lp_peek_image *, const struct lp_stage *, size_t n, int out);
void lp_peek_spool_release(struct lp_peek_image *);

/* ---- peek_said.c: what children say ------------------------------------------------- */

/* A child's line: statistics are added up, messages are shown with `about` in front. NULL about: as they are. */
void lp_peek_report(struct lp_peek *, struct lp_peek_layer *, struct lp_span line);
void lp_peek_message(struct lp_peek *, const char *about, struct lp_span line);
/*
 * The same for a layer's pipeline, whose messages wait for its end: where an
 * early stage failed, what the later ones complain of is only that. Under -v
 * they are shown at once. lp_peek_settle shows those that matter (none of
 * them if `quietly`), and keeps the first as the layer's error if the job
 * failed.
 */
void lp_peek_hold(struct lp_peek_layer *, size_t stage, struct lp_span line);
void lp_peek_settle(struct lp_peek_layer *, const struct lp_job *, int quietly);

/* Offline, and something is missing: what to do. Once. */
void lp_peek_how_to_record(struct lp_peek *);

/* ---- peek_list.c: which layers ------------------------------------------------------- */

/* The layer whose listing serves for this one: layers of one digest are listed once. */
struct lp_peek_layer *lp_peek_listed(const struct lp_peek_layer *);
/* What --layer names. LP_OK; LP_E_ABSENT after a message: no layer, or more than one. */
int lp_peek_pick(struct lp_peek *);

/* How complete a listing is that was made of all of its bytes. */
enum lp_complete lp_peek_trust(const struct lp_peek_layer *);
/* Whether the store has all of it: then there is nothing to fetch, and nothing to keep either. */
int lp_peek_is_stored(const struct lp_peek_layer *);
/* Whether it is listed to its end: that was asked for, or its bytes cost nothing and -n does not say otherwise. */
int lp_peek_wants_all(const struct lp_peek_layer *);
/* Whether its files are compared by their content: --diff, and not a layer that both images have. */
int lp_peek_is_compared(const struct lp_peek_layer *);

/* LP_STEP_INDEX is over: by its table if it has one, or the ways that there are without. */
void lp_peek_table_known(struct lp_peek_layer *);

/* ---- peek_list.c: a layer by itself ---------------------------------------------------- */

/*
 * A complete listing of one layer, if it has a table of contents. Else its
 * rows are empty and `complete` says so. Where the table is stays in
 * toc_range.
 */
int lp_peek_look(struct lp_peek *, struct lp_peek_layer *);

/* ---- peek_seek.c: where paths lead ------------------------------------------------------- */

struct lp_peek_place {
	char *path;      /* as it was asked for; the caller's */
	int by_pattern;  /* the caller's, too */
	int found;       /* 1; 0: the image has no such path; -1: unknown, and said why */
	struct lp_peek_layer *layer;
	char *name;      /* as it is stored, to be freed */
	uint64_t offset; /* of its header in the tar; UINT64_MAX: unknown */
	char type;       /* as peek_seek.c reads it */
};

/*
 * From the top layer down, and again from the top where links lead
 * elsewhere: each layer is asked once for all that have come to it, and read
 * no further than their answers need. What is found already is left alone.
 * LP_OK, or a failure after a message.
 */
int lp_peek_seek(struct lp_peek *, struct lp_peek_place *, size_t n);

/* Of jobs that read a layer's bytes: messages wait for the end, and a layer that is cut off may have the answer all the same. */
void lp_peek_content_line(struct lp_job *, enum lp_job_line, size_t stage, struct lp_span);
extern const struct lp_job_ops lp_peek_content_ops;
/* Whether lp-inflate saw its input end early, and nobody else has failed: its reader may have had enough before that. */
int lp_peek_content_is_cut(const struct lp_job *);
/* The layer's bytes from the start, as far as their reader wants them; what is fetched stays in the store. */
void lp_peek_content_plan(struct lp_pipeline *, const struct lp_peek_layer *);
/* Start it and wait for its end; its exit code, or a failure. */
int lp_peek_content_run(struct lp_peek_layer *, struct lp_pipeline *, const struct lp_job_io *, const struct lp_job_ops *);

/* ---- peek_cat.c: places, and the members of a layer --------------------------------------------- */

/* What options have led to, in their order. */
struct lp_peek_places {
	struct lp_peek_place *v;
	size_t n, cap;
};
void lp_peek_places_release(struct lp_peek_places *);

/* All files and links of the merged tree that match; `fd` is a file to work in. Layers are listed. LP_OK, or a failure after a message. */
int lp_peek_places_match(struct lp_peek *, struct lp_peek_places *, const char *pattern, int fd);
/* Rows of all that are found, for lp-cat. LP_OK, LP_E_SYS, LP_E_NOMEM. */
int lp_peek_places_write(const struct lp_peek_places *, int fd);
/* A tar of the layer's members that `rows` has rows of, through a reader, to `out`: its exit code, or a failure. */
int lp_peek_copy_rows(struct lp_peek_layer *, int rows, const struct lp_argv *reader, int out);

/* ---- peek_rows.c: a layer's listing, in an unnamed file ---------------------------- */

/* A file, if there is none yet; empty in any case. LP_OK, or LP_E_SYS after a message. */
int lp_peek_rows_open(struct lp_peek_layer *);
/* Nothing in it. LP_OK or LP_E_SYS. */
int lp_peek_rows_clear(struct lp_peek_layer *);
/* A lister that was ended may have been so within a row: the rows before it are good. LP_OK or LP_E_SYS. */
int lp_peek_rows_cut(struct lp_peek_layer *);
/* What the listing comes to: complete and entries, by its last line. */
void lp_peek_rows_read_end(struct lp_peek_layer *);
/* Whether it has all entries, by what was checked or by what its origin claims. */
int lp_peek_is_whole(const struct lp_peek_layer *);
/*
 * The last line written again: the layer's digest, how complete it is, `toc`
 * for what it was made from, and `reason` for what it lacks (NULL: none).
 * What is INFERRED names the image's origin. Nothing is done where the
 * lister did not get to its end. LP_OK or LP_E_SYS.
 */
int lp_peek_rows_judge(struct lp_peek_layer *, enum lp_complete, const char *toc, const char *reason);
/* The name in its last row, for a terminal, appended; nothing if there is none, or it is too long to be shown. LP_OK, LP_E_DATA, LP_E_LIMIT, LP_E_NOMEM. */
int lp_peek_rows_last(const struct lp_peek_layer *, struct lp_buf *);
/* An end record behind what the file holds. LP_OK, LP_E_SYS, LP_E_NOMEM. */
int lp_peek_rows_end(int fd, const struct lp_rowend *);
/* All of it behind what `to` holds. LP_OK or LP_E_SYS. */
int lp_peek_rows_append(const struct lp_peek_layer *, int to);
/* The rows from `first` to `end` of `from`, which become the listing. LP_OK or LP_E_SYS. */
int lp_peek_rows_take(struct lp_peek_layer *, int from, uint64_t first, uint64_t end);

/* ---- peek_known.c: the database of listings ------------------------------------------ */

/* What is known of the layers, into their rows; waits for it. LP_OK or LP_E_SYS. */
int lp_peek_recall(struct lp_peek *);
/* Put away what was listed since the last call, in the background; what cannot be kept is said, and no failure. */
void lp_peek_keep(struct lp_peek_image *);
void lp_peek_keep_all(struct lp_peek *);

/* ---- peek_points.c: where decoding can begin (codec/points.h), in the database beside the listing ------------ */

/* Whether it is read in a way that gives them, and they are to be kept. */
int lp_peek_points_wanted(const struct lp_peek_layer *);
/* A file for them, `points`, which stays -1 where none can be made; and none any more. */
void lp_peek_points_open(struct lp_peek_layer *);
void lp_peek_points_close(struct lp_peek_layer *);
/* Whether the listing was kept, and the file is to be put beside it now, from its start. If it never will, it is closed. */
int lp_peek_points_ready(struct lp_peek_layer *);
/* Those of a layer whose listing came from the database, for who reads it remotely: a file, the caller's to close; or -1. */
int lp_peek_points_get(struct lp_peek_layer *);

/* ---- peek_fill.c: the store --------------------------------------------------------------- */

/* One lp-fetch for the heads of all layers that wait for one (LP_STEP_FILL). LP_OK, or a failure after a message. */
int lp_peek_fill(struct lp_peek *);

/* ---- peek_out.c: stdout --------------------------------------------------------------------- */

/* Whether rows are aligned: on a terminal, unless the user chose their form. */
int lp_peek_for_eyes(const struct lp_peek *);
/* Where answers go, out.fd: stdout, or a pager in front of it. Once. LP_OK, or a failure after a message. */
int lp_peek_out_open(struct lp_peek *);
/* A signal was caught: what the pager needs of us before everything goes; and when all children are gone. */
void lp_peek_out_interrupted(struct lp_peek *);
void lp_peek_out_ended(struct lp_peek *);
/* A child's message, but not the same again: what cannot be written is one failure, however many layers are shown. */
void lp_peek_message_once(struct lp_peek *, struct lp_span line);
/* Of jobs whose owner is the lp_peek and that show something: messages, entries, exit code. */
extern const struct lp_job_ops lp_peek_show_ops;
/* Until this job is over; others may go on. */
int lp_peek_wait_for(struct lp_peek *, const struct lp_job *);

/* ---- peek_view.c: lp-show ------------------------------------------------------------------------ */

struct lp_peek_view {
	struct lp_argv argv;
	int *keep; /* files that it opens again, as /dev/fd/N */
	size_t nkeep, cap;
	int own[4]; /* those of them that end with this */
	size_t nown;
};

/* What to show, an option of lp-show; NULL: a table. To be released in any case. */
void lp_peek_view_init(struct lp_peek_view *, const struct lp_peek *, const char *what);
void lp_peek_view_release(struct lp_peek_view *);
/* Not for eyes: as rows, in the form that was asked for. */
void lp_peek_view_rows(struct lp_peek_view *, const struct lp_peek_options *);
/* One more file, behind "--option=", or "" for an operand. It stays the caller's. */
void lp_peek_view_file(struct lp_peek_view *, const char *option, int fd);
/* The next four: LP_OK, LP_E_SYS, LP_E_LIMIT, LP_E_NOMEM. A file of this text. */
int lp_peek_view_text(struct lp_peek_view *, const char *option, struct lp_span text);
/* What is known beside the rows; and that of all layers of an image. */
int lp_peek_view_about(struct lp_peek_view *, const struct lp_imagedoc *, const char *error);
int lp_peek_view_image(struct lp_peek_view *, const struct lp_peek_image *);
/* It alone, without waiting for its end; and waiting for it. */
int lp_peek_view_start(struct lp_peek *, struct lp_job *, const struct lp_peek_view *, int out);
int lp_peek_view_run(struct lp_peek *, const struct lp_peek_view *, int out);
/*
 * lp-merge of all listings of an image, with `more` for options, and lp-show
 * behind it if there is a view, to `out`. Waits for their end.
 */
int lp_peek_merge(struct lp_peek *, const struct lp_peek_image *, const struct lp_argv *more, const struct lp_peek_view *,
    int out);

/* ---- peek_layers.c: each layer's own rows --------------------------------------------------------- */

/* The next layer, as soon as it is listed and those before it are shown. LP_OK or LP_E_SYS. */
int lp_peek_layers_go_on(struct lp_peek *);
/* All that are left, to their end. */
int lp_peek_layers_finish(struct lp_peek *);

/* ---- peek_gaps.c: what was not seen ------------------------------------------------------------------ */

/* The lines about previews around what people look at: how much was seen, and of which layer how far. LP_OK, LP_E_SYS, LP_E_LIMIT, LP_E_NOMEM. */
int lp_peek_gaps(const struct lp_peek *, struct lp_peek_view *);
/* The line about one layer, appended; nothing if it was seen to its end. The same results. */
int lp_peek_gap(const struct lp_peek_layer *, struct lp_buf *);
/* How to see the rest, and the bytes that it takes. The same results. */
int lp_peek_rest(const struct lp_peek *, struct lp_buf *);

/* ---- peek_check.c ----------------------------------------------------------------------------------- */

/* What is not tar by its media type: why its bytes are not read; or NULL. */
const char *lp_peek_foreign(const struct lp_peek_layer *);
/* A layer that is such is said to be that, and has failed. */
void lp_peek_refuse(struct lp_peek_layer *);
/*
 * A pipeline of a layer has ended (LP_PEEK_CHECK): if what failed is the
 * layer, that is a finding, and the job has not failed.
 */
void lp_peek_check_ended(struct lp_peek_layer *, struct lp_job *);
/* Its listing is done, made of its whole bytes. */
void lp_peek_check_whole(struct lp_peek_layer *);
/* Options for lp-merge: to check, and what was found here. */
void lp_peek_check_options(const struct lp_peek *, struct lp_argv *);

/* ---- peek_document.c ------------------------------------------------------------------------------- */

/* -j; records_fd: a file of NDJSON in place of what lp-merge would write, or -1. */
int lp_peek_document(struct lp_peek *, int records_fd);
/* The same as one object a line, but for --diff. */
int lp_peek_objects(struct lp_peek *);
/* The first thing that went wrong, in one line; NULL if nothing did. */
const char *lp_peek_first_error(const struct lp_peek *);
/* What is known of a layer, borrowed from it. */
struct lp_layerdoc lp_peek_layer_doc(const struct lp_peek_layer *);

#endif
