/* Chooses the deflate engine: ISA-L where it is linked, else zlib. */
#include "common/codec/deflate.h"

#include <string.h>

/* fastest first */
static const struct lp_deflate_engine *const engines[] = {
#ifdef LP_WITH_ISAL
	&lp_deflate_isal,
#endif
	&lp_deflate_zlib,
};

const struct lp_deflate_engine *
lp_deflate_engine(const char *name)
{
	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
		if (name == NULL || strcmp(engines[i]->name, name) == 0)
			return engines[i];
	}
	return NULL;
}

const char *
lp_deflate_engines(void)
{
#ifdef LP_WITH_ISAL
	return "isal, zlib";
#else
	return "zlib";
#endif
}
