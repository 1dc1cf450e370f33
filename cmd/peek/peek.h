/*
 * What lp-peek is made of. It reads no layer itself: it runs the filters as
 * processes, keeps their rows in unnamed files, and has lp-merge and lp-show
 * make of them what was asked for.
 *
 *	peek.c         all of it begun and ended; waiting, with bars
 *	peek_said.c    what children say: messages, statistics, progress
 *	peek_pipe.c    a pipeline put together: lp-fetch and what reads it
 *	peek_password.c  a password, once for all of them
 *	peek_path.c    a path -> an image
 *	peek_spool.c   an archive from a pipe, or compressed -> a file (lp-inflate)
 *	peek_image.c   IMAGE -> its layers (lp-layers)
 *	peek_known.c   what earlier runs have listed (lp-cache)
 *	peek_list.c    layers -> a listing of each (lp-fetch, lp-toc, lp-inflate,
 *	               lp-tarls)
 *	peek_fill.c    the heads of all layers into the store (lp-fetch --fill)
 *	peek_rows.c    a listing on its way, in an unnamed file
 *	peek_show.c    listings -> the answer (lp-merge, lp-show)
 *	peek_view.c    a command line for lp-show
 *	peek_layers.c  the same layer by layer, as they are listed
 *	peek_document.c  the same as JSON
 *	peek_out.c     stdout, or a pager in front of it
 *	peek_gaps.c    what of previews was not seen
 *	peek_summary.c the line that closes it
 *	peek_check.c   what is wrong with layers that cannot be read, beside what lp-merge finds
 *	peek_seek.c    paths, from the top layer down
 *	peek_cat.c     the content of files, or a tar of them (lp-cat)
 *	peek_packages.c  what is installed (lp-packages)
 *	peek_many.c    all of that once for each of several images
 *	label.c        whose answer it is
 *	cmd/lp-peek.c  the command line, and the order of all that
 *
 * What is parsed here of what others wrote: the lines of lp-layers, the end
 * records of listings, statistics and progress lines; all of them written
 * by our own filters, which have parsed the foreign bytes under lock.
 */
#ifndef LP_PEEK_PEEK_H
#define LP_PEEK_PEEK_H

#include <stdint.h>

#include "common/merge/check.h"
#include "common/net/cred.h"
#include "common/row/row.h"
#include "common/run/argv.h"
#include "common/run/proc.h"
#include "common/sys/tty.h"
#include "common/view/bars.h"

enum {
	LP_PEEK_HEAD = 64 * 1024,  /* bytes of each layer, unless -n says otherwise */
	LP_PEEK_IMAGES = 2,        /* of one run */
	LP_PEEK_LAYERS_MAX = 1024,
	LP_PEEK_KEEP = 2 + LP_PEEK_IMAGES, /* descriptors that the programs share */
	LP_PEEK_FILES = 8192,      /* descriptors: two for each listing that is merged, and some */
	LP_PEEK_FILL_JOBS = 16,    /* heads fetched at a time: one round trip for most images */
	LP_PEEK_HELD = 64 * 1024,  /* bytes of messages of one pipeline */
	LP_PEEK_PATHS = 32,        /* of --cat or --tar */
	LP_PEEK_LOW_LIMIT = 20     /* manifests that the registry still allows: worth telling */
};

enum lp_peek_what {
	LP_PEEK_MERGED, /* the file system a container would see */
	LP_PEEK_LAYERS, /* each layer's own listing, one section each */
	LP_PEEK_LAYER,  /* one layer's own listing */
	LP_PEEK_TREE,
	LP_PEEK_DU,
	LP_PEEK_DIFF,
	LP_PEEK_FIND,
	LP_PEEK_TOP,    /* the largest files */
	LP_PEEK_WASTE,  /* content that later layers hide */
	LP_PEEK_HISTORY, /* of each layer: what it adds, what is hidden of it, what made it */
	LP_PEEK_CAT,
	LP_PEEK_TAR,    /* members, as a tar */
	LP_PEEK_PACKAGES, /* what package managers' databases say is installed */
	LP_PEEK_HTML,   /* a page for a browser */
	LP_PEEK_BROWSE, /* in the terminal, by ncdu */
	LP_PEEK_BASE,   /* which known images it is built on */
	LP_PEEK_CHECK,  /* what runtimes refuse or show otherwise */
	LP_PEEK_ABOUT   /* what lp-layers answers by itself */
};

struct lp_peek_options {
	enum lp_peek_what what;
	const char *image[LP_PEEK_IMAGES]; /* two for LP_PEEK_DIFF */
	size_t nimages;
	const char *stats;     /* --stats; NULL: what LP_STATS names */
	uint64_t head;         /* bytes of each layer */
	int head_given;        /* -n */
	int complete;          /* -c, or what needs it */
	int to_the_end;        /* -c */
	const char *layer;     /* LP_PEEK_LAYER: a number from 1, or a digest (or how it starts) */
	const char *path[LP_PEEK_PATHS]; /* LP_PEEK_CAT, LP_PEEK_TAR: names and patterns */
	size_t npaths;
	int has_patterns;
	int wants_content;     /* all layers are listed, and then bytes of some are wanted: those of the listing are kept */
	const char *page;      /* LP_PEEK_HTML: a file, or "-" */
	struct lp_argv bounds; /* LP_PEEK_WASTE: what is allowed, for lp-merge */
	int bounded;
	struct lp_argv about;  /* LP_PEEK_ABOUT: for lp-layers */
	struct lp_argv ask;    /* what is asked, for lp-merge; empty where each question's own part knows */
	const char *sought;    /* LP_PEEK_FIND: the first of its patterns, */
	size_t nsought;
	int any_case;          /* -i */
	uint64_t *found;       /* one of several images: where what was found in any is counted; or NULL */
	int for_eyes;          /* likewise: what is behind us is a terminal in the end */
	int fail_if_found;
	uint64_t depth;        /* LP_PEEK_TREE, LP_PEEK_DU; UINT64_MAX: all */
	int json;              /* -j, one document; */
	int ndjson;            /* or an object a line */
	int use_cache;         /* listings and bytes kept from earlier runs, and for later ones; until lp_peek_prepare */
	int keeps_bytes;       /* the store may be written, as the database may: lp_peek_prepare finds out */
	int keeps_listings;
	int has_listings;      /* there is a database to ask */
	int has_store;
	int plain_http;        /* as one of `network` says */
	struct lp_argv blobs;  /* the whole blobs of the store, by their names */
	int refresh;           /* list again, whatever is known */
	int offline;
	int pager;             /* whether there may be one */
	const char *store;     /* directory; NULL until lp_peek_prepare: the default, then: none */
	const char *db;        /* of lp-cache, likewise */
	char *defaults[2];
	enum lp_color color;
	int quiet;
	struct lp_rowfmt fmt;  /* -o, -0: of TSV rows, the layer's column last unless -o was given */
	int header, end;       /* -H, -E */
	int plain;             /* TSV also on a terminal: one of those four was given */
	struct lp_argv rows;   /* the same four, for lp-merge */
	struct lp_argv network; /* for lp-layers and lp-fetch */
	const struct lp_cred_options *cred; /* what of that is about a password */
	int password_fd;       /* file with the password, for all that need it; -1: there is none */
	struct lp_argv platform; /* for lp-layers, and for the second image if it has one of its own: */
	const char *diff_platform;
};

struct lp_peek;
struct lp_peek_image;

struct lp_peek_layer {
	struct lp_peek *peek;
	struct lp_peek_image *image;
	struct lp_peek_layer *same; /* an earlier layer with this digest, whose listing serves, or NULL */
	struct lp_peek_layer *twin; /* one of another origin, whose listing serves only if its bytes have the digest, or NULL */
	unsigned number;            /* from 1, base first */
	char label[16];
	int picked;                 /* it is asked for, by --layer or because all are */

	char *source;
	char *digest;      /* NULL: unknown */
	char *media_type;  /* NULL: unknown, as the next two */
	char *created_by;
	char *annotations; /* JSON */
	char *urls;        /* where else it is to be had, JSON; NULL: nowhere */
	int64_t size;      /* or -1 */
	int is_remote;

	int rows;          /* descriptor of its listing, or -1 */
	int points;        /* of the file of its points that is being made, or -1 */
	enum lp_complete complete; /* of all that is known of it: layer-peek(7), "TRUST" */
	int verified;      /* its whole blob was read in this run, and has its digest */
	int64_t entries;   /* or -1 */
	int64_t bytes_downloaded, bytes_decompressed;
	int from_cache;
	int exit;          /* worst exit code of what listed it */
	char *error;       /* the first message of what failed, or NULL */
	char *said;        /* the last of those that was shown: another way to its listing may fail by it again */
	enum lp_finding fault; /* LP_PEEK_CHECK: why its bytes are no layer */

	char toc_range[48];  /* where its table of contents is, FIRST-LAST; "" for none, or not looked for */
	char toc_digest[80]; /* "-" for none */
	char *table;         /* the source of its table of contents in a SOCI index; NULL: none, or not looked for */
	int64_t table_size;  /* bytes */
	int by_table;        /* it is listed by that */

	/* on the way */
	int look_only;   /* its bytes are not to be read for a listing */
	int step;        /* enum lp_peek_step */
	int unkept;      /* the store could not take its head: it is read without */
	int kept;        /* its listing is in the database, or on its way there */
	struct lp_job job;
	struct lp_buf held;  /* lines that its stages said, see lp_peek_hold */
	uint64_t have, want; /* of the transfer */
	int active;          /* a transfer to show a bar for */
};

struct lp_peek_image {
	struct lp_peek *peek;
	const char *name;
	int spool_in, spool; /* an archive, opened; the file it was inflated into; or -1 */
	int is_path;    /* it is one, whose kind is still to be found: */
	int path_error; /* the errno of opening it, or 0 */
	int64_t path_size; /* bytes */
	char *file;     /* what the programs are to call it then, or NULL */
	char *origin;   /* whose claim it is what no digest vouches for */
	int by_digest;  /* its name has the digest of its manifest: what that names is no claim */
	char *digest;   /* NULL: unknown */
	char *platform; /* NULL: unknown */
	char *base_name, *base_digest; /* of the image that it says it is built on; NULL: it does not */
	int odd_history, odd_diff_ids; /* the config has as many of these as other than layers */
	struct lp_peek_layer *layer;
	size_t n;
	char *asking;   /* what to show until the first byte of a layer; NULL: nothing */
	struct lp_job database; /* listings on their way out of it, or into it */
	char *manifest; /* the digest of what names its layers; NULL: unknown */
	struct lp_job soci; /* lp-layers --soci, whose answer goes to soci_fd; 0: not running */
	int soci_fd, soci_known;
	char *soci_said;    /* why there was none */
};

/* Where the answer goes. */
struct lp_peek_out {
	int open;
	int fd;              /* stdout, or the pager's stdin */
	int paged;
	int left;            /* nobody reads it any more */
	int page;            /* the file of --html, or stdout; -1: none */
	const char *const *command; /* of the pager, NULL: none */
	struct lp_job pager;
	struct lp_job rows;  /* of one layer, being shown */
	char *said;          /* why the last one could not be shown */
	size_t next;         /* layer to show */
};

struct lp_peek {
	const struct lp_peek_options *o;
	struct lp_crew crew;
	struct lp_bars bars;
	struct lp_peek_image image[LP_PEEK_IMAGES];
	size_t nimages;
	int exit;        /* worst so far */
	int token_fd;    /* file that the programs share a token in */
	int keep[LP_PEEK_KEEP]; /* that, the password's, and archives */
	size_t nkeep;
	int stats_fd;    /* where the user wants statistics, or -1 */
	int64_t bytes_downloaded, requests;
	int64_t entries; /* of what was shown, or -1 */
	int64_t ratelimit_remaining; /* or -1 */
	size_t jobs_max;
	struct lp_job fill; /* brings the heads of all layers into the store, over shared connections */
	struct lp_peek_out out;
	int told_to_record;
	int has_no_database; /* it failed: no more is asked of it */
	char *error;     /* first failure that is no single layer's */
};

/*
 * All functions below print their own messages, put what is bad into
 * peek->exit (or the layer's), and return LP_OK, or LP_E_SYS when it makes
 * no sense to go on; a caught signal is LP_E_SYS too: look at crew.caught.
 * LP_E_PIPE: nobody reads the answer any more, and what was at work for it is
 * gone.
 */

/*
 * Fill in what the command line left open: the password of its user, and where the store and the
 * database are. LP_EXIT_OK, or the exit code after a message.
 */
int lp_peek_prepare(struct lp_peek_options *);
/*
 * A part of that, for who prepares more than one run: the password of --user, from the terminal or its
 * file; the programs find it as --password-file. The same results.
 */
int lp_peek_password(struct lp_peek_options *);
void lp_peek_options_release(struct lp_peek_options *);

int lp_peek_init(struct lp_peek *, const struct lp_peek_options *);
void lp_peek_release(struct lp_peek *);

/* Until nothing runs. */
int lp_peek_wait(struct lp_peek *);

/* peek_image.c: fill peek->image[] for all names. */
int lp_peek_resolve(struct lp_peek *);

/* peek_list.c: a listing of each layer that is wanted. */
int lp_peek_list(struct lp_peek *);

/* peek_show.c: the answer, on stdout. */
int lp_peek_show(struct lp_peek *);

/* The known images that the image is built on, by lp-cache base: its rows, or exit 4. */
int lp_peek_base(struct lp_peek *);
/* peek_out.c: all is written: the pager sees the end, and the user reads on until they have had enough. */
int lp_peek_out_close(struct lp_peek *);
/* peek_summary.c: the closing line on a terminal's stderr, or what a pipe's reader must know. */
void lp_peek_summary(struct lp_peek *);

/* peek_cat.c: LP_PEEK_CAT, LP_PEEK_TAR. */
int lp_peek_cat(struct lp_peek *);
int lp_peek_tar(struct lp_peek *);
/* peek_packages.c: LP_PEEK_PACKAGES. */
int lp_peek_packages(struct lp_peek *);
/* Whether it is one, and no name. */
int lp_peek_is_pattern(const char *path);

/*
 * peek_many.c: one question of several images, each asked by `run` in a process of its own, whose answer is the
 * exit code. Not locked: what is read here is what those say. Returns the worst exit code.
 */
struct lp_peek_many {
	const char *const *image;
	size_t n;
	const char *tags; /* the images are repositories, of which these tags are asked; or NULL */
	int column;       /* which of the columns is `image`, from 0; -1: none */
	int (*run)(struct lp_peek_options *);
};
int lp_peek_many(const struct lp_peek_options *, const struct lp_peek_many *);

#endif
