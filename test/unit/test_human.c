#include <stdint.h>

#include "common/view/human.h"
#include "test/unit/unit.h"

#define SPAN(call) lp_span(room, (size_t)((call) - room))

static void
test_bytes(void)
{
	static const struct { uint64_t n; const char *text; } t[] = {
		{ 0, "0 B" },
		{ 999, "999 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.00 KiB" },
		{ 1536, "1.50 KiB" },
		{ 10188, "9.95 KiB" },
		{ 10189, "9.95 KiB" },
		{ 65536, "64.0 KiB" },
		{ 196608, "192 KiB" },
		{ 1023 * 1024, "1023 KiB" },
		{ 1048575, "1.00 MiB" },
		{ 1048576, "1.00 MiB" },
		{ 430964736, "411 MiB" },
		{ UINT64_MAX, "16.0 EiB" },
	};
	char room[LP_HUMAN_MAX];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		ok_str(SPAN(lp_human_bytes(room, t[i].n)), t[i].text, t[i].text);
}

static void
test_count(void)
{
	static const struct { uint64_t n; const char *text; } t[] = {
		{ 0, "0" },
		{ 999, "999" },
		{ 1204, "1,204" },
		{ 100000, "100,000" },
		{ UINT64_MAX, "18,446,744,073,709,551,615" },
	};
	char room[LP_HUMAN_MAX];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		ok_str(SPAN(lp_human_count(room, t[i].n)), t[i].text, t[i].text);
}

static void
test_percent(void)
{
	static const struct { uint64_t part, whole; const char *text; } t[] = {
		{ 0, 0, "0 %" },
		{ 196608, 430964736, "0.05 %" },
		{ 0, 100, "0.00 %" },
		{ 32, 1000, "3.20 %" },
		{ 333, 1000, "33.3 %" },
		{ 1000, 1000, "100 %" },
		{ 3, 2, "150 %" },
		{ UINT64_MAX / 2, UINT64_MAX, "50.0 %" },
	};
	char room[LP_HUMAN_MAX];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		ok_str(SPAN(lp_human_percent(room, t[i].part, t[i].whole)), t[i].text, t[i].text);
}

static void
test_seconds(void)
{
	static const struct { uint64_t n; const char *text; } t[] = {
		{ 0, "0 s" }, { 99, "99 s" }, { 100, "1 min" }, { 5999, "99 min" }, { 6000, "1 h" }, { 360000, "100 h" },
		{ UINT64_MAX, "5124095576030431 h" },
	};
	char room[LP_HUMAN_MAX];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		ok_str(SPAN(lp_human_seconds(room, t[i].n)), t[i].text, t[i].text);
}

int
main(void)
{
	test_bytes();
	test_count();
	test_percent();
	test_seconds();
	return unit_done();
}
