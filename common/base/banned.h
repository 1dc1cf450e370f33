/*
 * Functions that this project never calls, made into compile errors.
 * Passed with -include in front of every file, which makes it the place to
 * say for which machines the files are written, too.
 *
 * The headers that declare them come first, because a poisoned word may not
 * be spoken at all afterwards, not even by a declaration.
 */
#ifndef LP_BANNED_H
#define LP_BANNED_H

/* sizes and offsets of blobs are size_t all over, hashes are products of 128 bits */
#if !defined(__SIZEOF_INT128__) || __SIZEOF_SIZE_T__ < 8
#error "layer peek is built for 64-bit machines only"
#endif

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* with clang, a fortified libc has some of them as macros */
#undef sprintf
#undef vsprintf

/* no bound on what they write */
#pragma GCC poison strcpy strcat sprintf vsprintf gets stpcpy
/* a bound that leaves out the terminator, or pads */
#pragma GCC poison strncpy strncat
/* hidden state, or a result that cannot be told from an error */
#pragma GCC poison strtok atoi atol atoll atof rand srand
/* the environment's locale and time zone must not change what a row says */
#pragma GCC poison setlocale localtime gmtime ctime asctime strftime mktime
/*
 * What a locked process cannot have, because the C library does it by calls
 * that the lock forbids: memory is asked for by size of the machine (qsort:
 * base/sort.h), messages are looked up in files (strerror: lp_err_text), files
 * are made, programs run
 */
#pragma GCC poison qsort qsort_r strerror_r strerror_l perror
#if defined(__GLIBC__)
#pragma GCC poison strerror
#endif
#pragma GCC poison tmpfile tmpnam tempnam mktemp system popen

#endif
