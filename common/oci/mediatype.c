/* Judges media types: of layers, how those are compressed, and of what is no layer. */
#include "common/oci/mediatype.h"

#include <string.h>

const char *
lp_mediatype_compression(struct lp_span s)
{
	if (lp_span_ends(s, "+gzip") || lp_span_ends(s, ".tar.gzip") || lp_span_ends(s, "+gz"))
		return "gzip";
	if (lp_span_ends(s, "+zstd") || lp_span_ends(s, ".tar.zstd"))
		return "zstd";
	return lp_span_ends(s, ".tar") ? "none" : "";
}

static int
is_encrypted(struct lp_span s)
{
	return memmem(s.p, s.n, "+encrypted", 10) != NULL;
}

int
lp_mediatype_is_layer(struct lp_span s)
{
	if (is_encrypted(s))
		return 0;
	return lp_span_begins(s, "application/vnd.oci.image.layer.") || lp_span_begins(s, "application/vnd.docker.image.rootfs.diff.tar") ||
	    lp_span_begins(s, "application/vnd.docker.image.rootfs.foreign.diff.tar");
}

const char *
lp_mediatype_foreign(struct lp_span s)
{
	static const struct { const char *begin; const char *what; } known[] = {
		{ "application/vnd.erofs.", "an EROFS file system, not tar" },
		{ "application/vnd.stacker.image.layer.squashfs", "a squashfs file system, not tar" },
		{ "application/vnd.sylabs.sif.", "a SIF image, not tar" },
		{ "application/vnd.docker.ai.gguf.", "a GGUF model, not tar" },
		{ "application/vnd.wasm.content.layer.", "a wasm module, not tar" },
		{ "application/vnd.module.wasm.content.layer.", "a wasm module, not tar" },
		{ "application/wasm", "a wasm module, not tar" },
		{ "application/vnd.cncf.helm.chart.provenance.", "a Helm provenance file, not tar" },
		{ "application/vnd.in-toto", "an attestation, not tar" },
	};

	if (is_encrypted(s))
		return "an encrypted layer: it cannot be read without its key";
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (lp_span_begins(s, known[i].begin))
			return known[i].what;
	return NULL;
}
