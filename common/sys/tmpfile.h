/* Unnamed files for rows on their way between programs: no kill can leave one behind. */
#ifndef LP_SYS_TMPFILE_H
#define LP_SYS_TMPFILE_H

/* Where they are: $TMPDIR, or /tmp. */
const char *lp_tmpdir(void);

/* A new one: O_TMPFILE in lp_tmpdir(), else memory. Descriptor or LP_E_SYS. */
int lp_tmpfile(void);

/*
 * The same file from its start, read only, with a position of its own: two
 * children that read one description would each get a part. Descriptor or
 * LP_E_SYS.
 */
int lp_tmpfile_reopen(int fd);

#endif
