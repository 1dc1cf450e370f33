/* Unnamed files for rows on their way between programs: no kill can leave one behind. */
#ifndef LP_SYS_TMPFILE_H
#define LP_SYS_TMPFILE_H

/* Where they are: $TMPDIR, or /tmp. */
const char *lp_tmpdir(void);

/*
 * A new one: O_TMPFILE in lp_tmpdir(); else one that is unlinked as soon as it
 * is made; else memory. Descriptor or LP_E_SYS.
 */
int lp_tmpfile(void);

/* From here on another process opens them for us, who may not: `open` hands one over. NULL: nobody does. */
void lp_tmpfile_by(int (*open)(void));

#endif
