/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builds a fleet, shapes it, verifies its delays and ratios, and removes it again.
 *
 *   cc -std=c11 -o up_apply_verify up_apply_verify.c $(pkg-config --cflags --libs libnetsim)
 *   ./up_apply_verify simple lossy          (as root)
 *
 * Exit status: 0 if all is as requested, 1 if not, 2 after an error.
 */
#include <netsim/netsim.h>

static int fail(const struct netsim_diags *diags, const struct netsim_err *err)
{
	for (size_t i = 0; i < diags->count; i++)
		fprintf(stderr, "%s:%u:%u: %s\n", diags->list[i].file, diags->list[i].loc.line,
			diags->list[i].loc.column, diags->list[i].what);
	if (err->kind != NETSIM_ERR_NONE)
		fprintf(stderr, "%s%s%s\n", err->what, *err->hint ? "; " : "", err->hint);
	return 2;
}

static void print(const struct netsim_verify *verify)
{
	static const char *const verdicts[] = {"ok", "WRONG", "unproved", "left out"};

	for (size_t i = 0; i < verify->row_count; i++) {
		const struct netsim_verify_row *row = verify->rows[i];

		printf("%-12s %s: %s: asked %s, measured %s\n", verdicts[row->verdict],
		       row->subject, row->what, *row->asked ? row->asked : "-",
		       *row->measured ? row->measured : "-");
	}
}

int main(int argc, char **argv)
{
	struct netsim_verify_opts quick = NETSIM_OPTS(struct netsim_verify_opts, .quick = true);
	struct netsim_diags diags = {0};
	struct netsim_err err = {0}, ignored = {0};
	struct netsim *ctx = NULL;
	struct netsim_up *up = NULL;
	struct netsim_apply *apply = NULL;
	struct netsim_verify *verify = NULL;
	struct netsim_down *down = NULL;
	char topology[4096], profile[4096];
	int r, status;

	if (argc != 3) {
		fprintf(stderr, "usage: %s TOPOLOGY PROFILE\n", argv[0]);
		return 2;
	}
	r = netsim_find(NETSIM_FILE_TOPOLOGY, argv[1], topology, sizeof(topology), &err);
	if (r == 0)
		r = netsim_find(NETSIM_FILE_PROFILE, argv[2], profile, sizeof(profile), &err);
	if (r == 0)
		r = netsim_open(&ctx, &err);
	if (r == 0)
		r = netsim_up(ctx, topology, NULL, &up, &diags, &err);
	if (r == 0)
		quick.fleet = up->fleet;
	if (r == 0) {
		struct netsim_apply_opts opts =
			NETSIM_OPTS(struct netsim_apply_opts, .fleet = up->fleet);

		r = netsim_apply(ctx, profile, &opts, &apply, &diags, &err);
	}
	if (r == 0)
		r = netsim_verify(ctx, &quick, &verify, &err);
	if (r == 0)
		print(verify);
	status = r < 0 ? fail(&diags, &err) : verify->failed > 0;
	if (up) {
		struct netsim_down_opts opts =
			NETSIM_OPTS(struct netsim_down_opts, .fleet = up->fleet);

		if (netsim_down(ctx, &opts, &down, &ignored) < 0)
			status = fail(&(struct netsim_diags) {0}, &ignored);
	}
	netsim_down_free(down);
	netsim_verify_free(verify);
	netsim_apply_free(apply);
	netsim_up_free(up);
	netsim_close(ctx);
	return status;
}
