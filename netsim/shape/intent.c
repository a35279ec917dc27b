/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/shape/intent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netsim/config/doc.h"
#include "netsim/fleet/lock.h"
#include "netsim/fleet/run_file.h"
#include "netsim/policy/policy.h"
#include "netsim/shape/intent_parts.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/buf.h"

#define PATH_TEXT 160

static void path_of(const char *fleet, char path[static PATH_TEXT])
{
	snprintf(path, PATH_TEXT, LOCK_DIR "/%s.json", fleet);
}

void intent_layer_done(struct intent_layer *layer)
{
	for (size_t i = 0; i < layer->port_count; i++)
		free(layer->ports[i]);
	free(layer->ports);
	free(layer->profile);
	free(layer->file);
	free(layer->text);
	profile_free(layer->parsed);
	*layer = (struct intent_layer) {0};
}

static void fault_done(struct intent_fault *fault)
{
	for (size_t i = 0; i < fault->group_count; i++)
		free(fault->groups[i]);
	free(fault->groups);
	free(fault->name);
	free(fault->conditions);
	free(fault->targets);
	free(fault->class);
}

static void drop_layers(struct intent *intent)
{
	for (size_t i = 0; i < intent->layer_count; i++)
		intent_layer_done(&intent->layers[i]);
	free(intent->layers);
	intent->layers = NULL;
	intent->layer_count = 0;
}

void intent_done(struct intent *intent)
{
	drop_layers(intent);
	for (size_t i = 0; i < intent->fault_count; i++)
		fault_done(&intent->faults[i]);
	free(intent->faults);
	for (size_t i = 0; i < intent->pulled_count; i++)
		free(intent->pulled[i]);
	free(intent->pulled);
	*intent = (struct intent) {0};
}

int intent_read(const char *fleet, struct intent *ret, struct netsim_err *err)
{
	auto_buf struct buf text = {0};
	char path[PATH_TEXT];
	bool exists;
	int r;

	*ret = (struct intent) {.now = policy_now()};
	path_of(fleet, path);
	r = run_file_read(path, &text, &exists, err);
	if (r < 0 || !exists)
		return r;
	if (intent_from_json(text.data ? text.data : "", text.len, ret) < 0)
		return run_file_refuse(path, "is not a record of netsim", err);
	return 0;
}

static int write_failed(const char *path, int code, struct netsim_err *err)
{
	return err_errno(err, code, NULL, "cannot write %s", path);
}

/* True if a text fits into the file it replaces, for when there is no room for a second file. */
static bool fits(const char *path, const char *text)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size >= strlen(text);
}

static bool is_empty(const struct intent *intent)
{
	return !intent->layer_count && !intent->fault_count && !intent->pulled_count;
}

int intent_draft(const char *fleet, const struct intent *intent, struct intent_draft *ret,
		 struct netsim_err *err)
{
	struct intent_draft draft = {0};
	auto_close int old = -1;
	int r;

	path_of(fleet, draft.path);
	snprintf(draft.fresh, sizeof(draft.fresh), "%s.new", draft.path);
	*ret = draft;
	r = run_file_open(draft.path, &old, err);
	if (r < 0 || is_empty(intent))
		return r;
	r = lock_make_dir(err);
	if (r < 0)
		return r;
	draft.text = intent_to_json(intent);
	if (!draft.text)
		return err_oom(err);
	r = run_file_create(draft.fresh, draft.text);
	draft.in_place = (r == -ENOSPC || r == -EDQUOT) && fits(draft.path, draft.text);
	if (r < 0 && !draft.in_place) {
		free(draft.text);
		return write_failed(draft.path, r, err);
	}
	*ret = draft;
	return 0;
}

static int write_in_place(const struct intent_draft *draft)
{
	auto_close int fd = open(draft->path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 ? -errno : run_file_write(fd, draft->text);

	return r == 0 && ftruncate(fd, (off_t)strlen(draft->text)) < 0 ? -errno : r;
}

int intent_publish(struct intent_draft *draft, struct netsim_err *err)
{
	int r = 0;

	if (!draft->text) {
		unlink(draft->fresh); /* left by a writer that was killed */
		r = unlink(draft->path) < 0 && errno != ENOENT ? -errno : 0;
	} else if (draft->in_place) {
		r = write_in_place(draft);
	} else if (rename(draft->fresh, draft->path) < 0) {
		r = -errno;
		unlink(draft->fresh);
	}
	free(draft->text);
	*draft = (struct intent_draft) {{0}, {0}, NULL, false};
	return r < 0 ? write_failed(LOCK_DIR, r, err) : 0;
}

void intent_discard(struct intent_draft *draft)
{
	if (draft->text && !draft->in_place)
		unlink(draft->fresh);
	free(draft->text);
	*draft = (struct intent_draft) {{0}, {0}, NULL, false};
}

void intent_remove(const char *fleet)
{
	char path[PATH_TEXT], fresh[PATH_TEXT + 8];

	path_of(fleet, path);
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	unlink(path);
	unlink(fresh);
}

int intent_write(const char *fleet, const struct intent *intent, struct netsim_err *err)
{
	struct intent_draft draft;
	int r = intent_draft(fleet, intent, &draft, err);

	return r == 0 ? intent_publish(&draft, err) : r;
}

/* Drops layers that the last layer overrides completely. */
static void drop_covered(struct intent *intent)
{
	const struct intent_layer *last = &intent->layers[intent->layer_count - 1];

	for (size_t l = 0; l + 1 < intent->layer_count;) {
		struct intent_layer *layer = &intent->layers[l];
		bool covered = layer->ports != NULL;

		for (size_t i = 0; covered && i < layer->port_count; i++) {
			bool named = false;

			for (size_t j = 0; j < last->port_count; j++)
				named |= strcmp(layer->ports[i], last->ports[j]) == 0;
			covered = named;
		}
		if (!covered) {
			l++;
			continue;
		}
		intent_layer_done(layer);
		memmove(layer, layer + 1, (--intent->layer_count - l) * sizeof(*layer));
		last--;
	}
}

int intent_load(const char *path, struct intent_layer *ret, struct netsim_diags *diags,
		struct netsim_err *err)
{
	size_t length;
	int r;

	*ret = (struct intent_layer) {0};
	r = doc_read(path, &ret->text, &length, diags);
	if (r == 0)
		r = profile_parse(path, ret->text, length, &ret->parsed, diags);
	if (r == 0) {
		ret->profile = strdup(ret->parsed->name);
		ret->file = realpath(path, NULL);
		if (!ret->file)
			ret->file = strdup(path);
		r = ret->profile && ret->file ? 0 : err_oom(err);
	}
	if (r < 0)
		intent_layer_done(ret);
	return r;
}

int intent_add(struct intent *intent, struct intent_layer *layer, char *const *ports,
	       size_t port_count, struct netsim_err *err)
{
	bool keeps = layer->profile || ports; /* a clear of the whole fleet leaves none */
	struct intent_layer *slot;
	int r = 0;

	for (size_t i = 0; r == 0 && i < port_count; i++)
		r = intent_add_port(layer, ports[i]);
	if (r == 0 && !ports)
		drop_layers(intent);
	slot = r == 0 && keeps ? array_push(intent->layers, intent->layer_count) : NULL;
	if (!keeps)
		return 0;
	if (!slot)
		return err_oom(err);
	*slot = *layer;
	*layer = (struct intent_layer) {0};
	drop_covered(intent);
	return 0;
}

static char *copy_text(const char *text)
{
	return text && *text ? strdup(text) : NULL;
}

int intent_add_fault(struct intent *intent, const struct intent_fault *fault,
		     struct netsim_err *err)
{
	struct intent_fault *slot = array_push(intent->faults, intent->fault_count);

	if (!slot)
		return err_oom(err);
	*slot = (struct intent_fault) {.id = fault->id,
				       .kind = fault->kind,
				       .deadline = fault->deadline,
				       .start = fault->start,
				       .name = copy_text(fault->name),
				       .l2 = fault->l2,
				       .reject = fault->reject,
				       .conditions = copy_text(fault->conditions),
				       .targets = copy_text(fault->targets),
				       .class = copy_text(fault->class),
				       .vlan = fault->vlan,
				       .period_ns = fault->period_ns,
				       .up_ns = fault->up_ns};
	for (size_t i = 0; i < fault->group_count; i++) {
		char **group = array_push(slot->groups, slot->group_count);

		if (!group || !(*group = strdup(fault->groups[i])))
			return err_oom(err);
	}
	return 0;
}

void intent_end_faults(struct intent *intent, const uint32_t *ids, size_t count)
{
	uint64_t now = policy_now();
	size_t kept = 0;

	for (size_t i = 0; i < intent->fault_count; i++) {
		struct intent_fault *fault = &intent->faults[i];
		bool over = fault->deadline && fault->deadline <= now;

		for (size_t j = 0; j < count; j++)
			over |= fault->id == ids[j];
		if (over)
			fault_done(fault);
		else
			intent->faults[kept++] = *fault;
	}
	intent->fault_count = kept;
}

int intent_draft_fault(const char *fleet, const struct intent_fault *fault, const uint32_t *ended,
		       size_t ended_count, struct intent_draft *ret, struct netsim_err *err)
{
	struct intent intent;
	int r = intent_read(fleet, &intent, err);

	*ret = (struct intent_draft) {{0}, {0}, NULL, false};
	intent_end_faults(&intent, ended, ended_count);
	if (r == 0 && fault)
		r = intent_add_fault(&intent, fault, err);
	if (r == 0)
		r = intent_draft(fleet, &intent, ret, err);
	intent_done(&intent);
	return r;
}

static void drop_pulled(struct intent *intent, const char *cable)
{
	for (size_t i = intent->pulled_count; i-- > 0;) {
		if (cable && strcmp(intent->pulled[i], cable) != 0)
			continue;
		free(intent->pulled[i]);
		intent->pulled[i] = intent->pulled[--intent->pulled_count];
	}
}

static int add_pulled(struct intent *intent, const char *cable, struct netsim_err *err)
{
	char **slot = array_push(intent->pulled, intent->pulled_count);

	if (slot && (*slot = strdup(cable)))
		return 0;
	intent->pulled_count -= slot != NULL;
	return err_oom(err);
}

int intent_draft_cables(const char *fleet, const struct intent_cables *cables,
			struct intent_draft *ret, struct netsim_err *err)
{
	struct intent intent;
	int r = intent_read(fleet, &intent, err);

	*ret = (struct intent_draft) {{0}, {0}, NULL, false};
	for (size_t i = 0; r == 0 && i < cables->count; i++) {
		drop_pulled(&intent, cables->names[i]);
		if (!cables->up)
			r = add_pulled(&intent, cables->names[i], err);
	}
	if (r == 0)
		r = intent_draft(fleet, &intent, ret, err);
	intent_done(&intent);
	return r;
}

int intent_plug_cables(const char *fleet, struct netsim_err *err)
{
	struct intent intent;
	int r = intent_read(fleet, &intent, err);

	if (r == 0 && intent.pulled_count) {
		drop_pulled(&intent, NULL);
		r = intent_write(fleet, &intent, err);
	}
	intent_done(&intent);
	return r;
}

bool intent_has_pulled(const struct intent *intent, const char *node, const char *iface)
{
	size_t length = strlen(node);

	for (size_t i = 0; i < intent->pulled_count; i++)
		if (strncmp(intent->pulled[i], node, length) == 0 &&
		    intent->pulled[i][length] == '/' &&
		    strcmp(intent->pulled[i] + length + 1, iface) == 0)
			return true;
	return false;
}

int intent_draft_healed(const char *fleet, struct intent_draft *ret, struct netsim_err *err)
{
	struct intent intent;
	int r = intent_read(fleet, &intent, err);

	*ret = (struct intent_draft) {{0}, {0}, NULL, false};
	for (size_t i = 0; i < intent.fault_count; i++)
		fault_done(&intent.faults[i]);
	intent.fault_count = 0;
	if (r == 0)
		r = intent_draft(fleet, &intent, ret, err);
	intent_done(&intent);
	return r;
}

int intent_parse(struct intent *intent, struct netsim_err *err)
{
	auto_free struct netsim_diags *diags = calloc(1, sizeof(*diags));

	if (!diags)
		return err_oom(err);
	for (size_t i = 0; i < intent->layer_count; i++) {
		struct intent_layer *layer = &intent->layers[i];

		if (layer->parsed || !layer->text || !layer->file)
			continue;
		if (profile_parse(layer->file, layer->text, strlen(layer->text), &layer->parsed,
				  diags) < 0)
			return err_first_mistake(diags, err);
	}
	return 0;
}

int intent_read_parsed(const char *fleet, struct intent *ret, struct netsim_err *err)
{
	int r = intent_read(fleet, ret, err);

	return r == 0 ? intent_parse(ret, err) : r;
}

static bool names_port(const struct intent_layer *layer, const char *node, const char *iface)
{
	size_t length = strlen(node);

	for (size_t i = 0; i < layer->port_count; i++)
		if (strncmp(layer->ports[i], node, length) == 0 && layer->ports[i][length] == '/' &&
		    strcmp(layer->ports[i] + length + 1, iface) == 0)
			return true;
	return !layer->ports;
}

/* The conditions of a node's port, or of the cable that has this end. */
static int read_layers(const struct intent *intent, const struct model_node *node,
		       const char *iface, struct link_conditions *ret, struct netsim_err *err)
{
	for (size_t i = intent->layer_count; i-- > 0;) {
		const struct intent_layer *layer = &intent->layers[i];

		if (!names_port(layer, node->name, iface))
			continue;
		if (!layer->parsed)
			return 0;
		/* Services and cables are shaped only if the command or the profile names them. */
		if ((node->service || node->cable) && !layer->ports)
			return profile_resolve_named(layer->parsed, node->name, ret, err);
		return profile_resolve(layer->parsed, node->name, (const char *const *)node->roles,
				       node->role_count, ret, err);
	}
	return 0;
}

int intent_port(const struct intent *intent, const struct model_node *node, const char *iface,
		struct link_conditions *ret, struct netsim_err *err)
{
	int r;

	*ret = (struct link_conditions) {0};
	for (size_t i = 0; i < intent->seen_count; i++)
		if (strcmp(intent->seen[i].node, node->name) == 0 &&
		    strcmp(intent->seen[i].iface, iface) == 0)
			*ret = intent->seen[i].conditions;
	r = read_layers(intent, node, iface, ret, err);
	if (r < 0 || !node->cable || !intent->layer_count)
		return r;
	/* A cable's way up begins at its first end, which sends down into it. */
	if (strcmp(iface, node->first) == 0)
		ret->down = ret->up;
	ret->up = (struct conditions) {0};
	return 0;
}

const struct profile *intent_whole(const struct intent *intent)
{
	for (size_t i = intent->layer_count; i-- > 0;)
		if (!intent->layers[i].ports)
			return intent->layers[i].parsed;
	return NULL;
}
