/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builds a fleet, shapes it, measures whether it is as asked, and removes it.
 *
 *   cc -o up_apply_verify up_apply_verify.c $(pkg-config --cflags --libs libnetsim)
 *   ./up_apply_verify TOPOLOGY PROFILE
 */
#include <netsim/netsim.h>

/* Prints why a call failed: the mistakes of a file, or the error. */
static int complain(const struct netsim_err *err, const struct netsim_diags *diags)
{
	for (size_t i = 0; i < diags->count; i++)
		fprintf(stderr, "%s:%u:%u: %s\n", diags->list[i].file, diags->list[i].loc.line,
			diags->list[i].loc.column, diags->list[i].what);
	if (!diags->count)
		fprintf(stderr, "%s%s%s\n", err->what, *err->hint ? "; " : "", err->hint);
	return 1;
}

static int shape_and_verify(struct netsim *ctx, const char *profile)
{
	const struct netsim_verify_opts quick =
		NETSIM_OPTS(struct netsim_verify_opts, .quick = true);
	struct netsim_err err = {0};
	struct netsim_diags diags = {0};
	struct netsim_apply *shaped = NULL;
	struct netsim_verify *verify = NULL;
	int failed;

	if (netsim_apply(ctx, profile, NULL, &shaped, &diags, &err) < 0)
		return complain(&err, &diags);
	netsim_apply_free(shaped);
	if (netsim_verify(ctx, &quick, &verify, &err) < 0)
		return complain(&err, &diags);
	for (size_t i = 0; i < verify->row_count; i++) {
		const struct netsim_verify_row *row = verify->rows[i];

		printf("%s %s: asked %s, measured %s\n", row->subject, row->what, row->asked,
		       row->measured);
	}
	/* What was not measured is not proved. */
	failed = verify->failed || verify->unmeasured;
	netsim_verify_free(verify);
	return failed;
}

int main(int argc, char **argv)
{
	char topology[4096], profile[4096];
	struct netsim_err err = {0};
	struct netsim_diags diags = {0};
	struct netsim *ctx = NULL;
	struct netsim_up *up = NULL;
	struct netsim_down *down = NULL;
	int failed;

	if (argc != 3) {
		fprintf(stderr, "usage: up_apply_verify TOPOLOGY PROFILE\n");
		return 2;
	}
	if (netsim_find(NETSIM_FILE_TOPOLOGY, argv[1], topology, sizeof(topology), &err) < 0 ||
	    netsim_find(NETSIM_FILE_PROFILE, argv[2], profile, sizeof(profile), &err) < 0 ||
	    netsim_open(&ctx, &err) < 0)
		return complain(&err, &diags);
	if (netsim_up(ctx, topology, NULL, &up, &diags, &err) < 0) {
		failed = complain(&err, &diags);
	} else {
		failed = shape_and_verify(ctx, profile);
		if (netsim_down(ctx, NULL, &down, &err) < 0)
			failed = complain(&err, &diags);
	}
	netsim_up_free(up);
	netsim_down_free(down);
	netsim_close(ctx);
	return failed;
}
