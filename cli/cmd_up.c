/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "missing.h"
#include "out.h"

static json_t *json_problems(const struct netsim_up *up)
{
	json_t *list = json_array();

	for (size_t i = 0; i < up->problem_count; i++)
		json_array_append_new(list,
				      json_pack("{s:i, s:s}", "fault", (int)up->problems[i]->fault,
						"text", up->problems[i]->text));
	return list;
}

/* Returns the exit status: 4 if the fleet is up, but a fault is not in force. */
static int report_problems(const struct netsim_up *up)
{
	for (size_t i = 0; i < up->problem_count; i++)
		fprintf(stderr, "netsim: fault %u is not wholly in force: %s\n",
			up->problems[i]->fault, up->problems[i]->text);
	return up->problem_count ? exit_status(NETSIM_ERR_KERNEL) : 0;
}

/* In an argument of QEMU, a comma is written twice. */
static void put_escaped(const char *text, FILE *out)
{
	for (; *text; text++)
		fputs(*text == ',' ? ",," : (char[]) {*text, '\0'}, out);
}

/*
 * Arguments of QEMU for a tap; without segmentation offload, a frame counts as one packet. QEMU has
 * none without the virtio header.
 */
static void print_qemu(const struct netsim_tap *tap, FILE *out)
{
	const char *id = strchr(tap->name, '/') + 1;

	fputs("-netdev tap,id=", out);
	put_escaped(id, out);
	fputs(",ifname=", out);
	put_escaped(tap->device, out);
	fprintf(out, ",script=no,downscript=no%s%s -device virtio-net-pci,netdev=",
		tap->multi_queue ? ",queues=2" : "", tap->vnet_hdr ? "" : ",vnet_hdr=off");
	put_escaped(id, out);
	fprintf(out, "%s%s%s%s", tap->mac ? ",mac=" : "", tap->mac ? tap->mac : "",
		tap->multi_queue ? ",mq=on,vectors=6" : "",
		tap->vnet_hdr ? ",host_tso4=off,host_tso6=off,gso=off" : "");
}

static json_t *json_taps(const struct netsim_up *up)
{
	json_t *list = json_array();

	for (size_t i = 0; i < up->tap_count; i++) {
		const struct netsim_tap *tap = up->taps[i];
		char *text = NULL;
		size_t size = 0;
		FILE *out = open_memstream(&text, &size);

		if (out)
			print_qemu(tap, out);
		if (out && fclose(out) == 0)
			json_array_append_new(list,
					      json_pack("{s:s, s:s, s:s?, s:b, s:b, s:s}", "link",
							tap->name, "tap", tap->device, "mac",
							tap->mac, "multi_queue", tap->multi_queue,
							"vnet_hdr", tap->vnet_hdr, "qemu", text));
		free(text);
	}
	return list;
}

static void print_up(const struct common *args, const struct netsim_up *up, double seconds)
{
	if (args->json) {
		print_json(json_pack(
			"{s:s, s:i, s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:s*, s:s*}", "fleet",
			up->fleet, "nodes", (int)up->node_count, "networks", (int)up->network_count,
			"steps", (int)up->step_count, "shaped", (int)up->shaped_count, "problems",
			json_problems(up), "missing", missing_json(up->missing, up->missing_count),
			"taps", json_taps(up), "ovs", ovs_json(up->ovs, up->ovs_count), "seconds",
			json_seconds(seconds), "warning", up->warning, "libvirt", up->libvirt));
		return;
	}
	printf("%s: %zu node%s, %zu network%s, ", up->fleet, up->node_count, plural(up->node_count),
	       up->network_count, plural(up->network_count));
	if (up->step_count)
		printf("up in %.3f s (%zu step%s)\n", seconds, up->step_count,
		       plural(up->step_count));
	else
		printf("already up to date\n");
	if (up->shaped_count)
		printf("%zu new port%s shaped by the profile in force\n", up->shaped_count,
		       plural(up->shaped_count));
	ovs_print(up->ovs, up->ovs_count);
	for (size_t i = 0; i < up->tap_count; i++) {
		printf("%s: ", up->taps[i]->name);
		print_qemu(up->taps[i], stdout);
		putchar('\n');
	}
}

static int run(const void *p, struct netsim_err *err)
{
	const struct common *args = p;
	struct netsim_diags diags = {0};
	struct netsim_up *up = NULL;
	struct netsim *ctx = NULL;
	double start = now_seconds();
	char path[4096];
	int r;

	if (args->dry)
		return cmd_plan.run(p, err);
	r = netsim_find(NETSIM_FILE_TOPOLOGY, args->words[0], path, sizeof(path), err);
	if (r == 0)
		r = netsim_open(&ctx, err);
	if (r == 0)
		r = report_file(netsim_up(ctx, path, NULL, &up, &diags, err), args, &diags, err);
	netsim_close(ctx);
	if (r == 0 && !args->quiet)
		print_up(args, up, now_seconds() - start);
	if (r == 0 && up->warning)
		fprintf(stderr, "netsim: warning: %s\n", up->warning);
	if (r == 0 && !args->json)
		missing_print(up->missing, up->missing_count, "netsim: not shaped: ", stderr);
	if (r == 0 && up->libvirt)
		fprintf(stderr, "netsim: libvirt does not answer: %s\n", up->libvirt);
	if (r == 0)
		r = report_problems(up);
	if (r == 0 && up->libvirt)
		r = exit_status(NETSIM_ERR_ENV);
	netsim_up_free(up);
	return r;
}

static const struct netsim_syntax syntax = {
	.args = "FILE",
	.summary = "Build a fleet from a topology file, or adapt it to the file.",
	.min = 1,
	.max = 1,
};

const struct cmd cmd_up = {
	.name = "up",
	.syntax = &syntax,
	.size = sizeof(struct common),
	.run = run,
};
