/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/shape/intent.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netsim/config/doc.h"
#include "netsim/config/words.h"
#include "netsim/fleet/lock.h"
#include "netsim/policy/policy.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

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

static char *copy_member(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? strdup(text) : NULL;
}

static int add_port(struct intent_layer *layer, const char *port)
{
	char **slot = array_push(layer->ports, layer->port_count);

	if (slot && (*slot = strdup(port)))
		return 0;
	return -ENOMEM;
}

static void read_layer(const json_t *object, struct intent_layer *layer)
{
	const json_t *ports = json_object_get(object, "ports");

	layer->profile = copy_member(object, "profile");
	layer->file = copy_member(object, "file");
	layer->text = copy_member(object, "text");
	for (size_t i = 0; i < json_array_size(ports); i++) {
		const char *port = json_string_value(json_array_get(ports, i));

		if (port)
			(void)add_port(layer, port);
	}
}

static void read_fault(const json_t *object, struct intent_fault *fault)
{
	const json_t *groups = json_object_get(object, "groups");

	fault->id = (uint32_t)json_integer_value(json_object_get(object, "fault"));
	fault->kind = (uint32_t)json_integer_value(json_object_get(object, "kind"));
	fault->deadline = (uint64_t)json_integer_value(json_object_get(object, "deadline"));
	fault->conditions = copy_member(object, "conditions");
	fault->targets = copy_member(object, "targets");
	fault->class = copy_member(object, "class");
	fault->vlan = (uint16_t)json_integer_value(json_object_get(object, "vlan"));
	fault->period_ns = (uint64_t)json_integer_value(json_object_get(object, "period_ns"));
	fault->up_ns = (uint64_t)json_integer_value(json_object_get(object, "up_ns"));
	for (size_t i = 0; i < json_array_size(groups); i++) {
		const char *group = json_string_value(json_array_get(groups, i));
		char **slot = group ? array_push(fault->groups, fault->group_count) : NULL;

		if (slot)
			*slot = strdup(group);
	}
}

static void read_faults(const json_t *root, struct intent *ret)
{
	const json_t *faults = json_object_get(root, "faults");

	for (size_t i = 0; i < json_array_size(faults); i++) {
		struct intent_fault *fault = array_push(ret->faults, ret->fault_count);

		if (fault)
			read_fault(json_array_get(faults, i), fault);
	}
}

static void read_pulled(const json_t *root, struct intent *ret)
{
	const json_t *pulled = json_object_get(root, "pulled");

	for (size_t i = 0; i < json_array_size(pulled); i++) {
		const char *cable = json_string_value(json_array_get(pulled, i));
		char **slot = cable ? array_push(ret->pulled, ret->pulled_count) : NULL;

		if (slot && !(*slot = strdup(cable)))
			ret->pulled_count--;
	}
}

void intent_read(const char *fleet, struct intent *ret)
{
	char path[PATH_TEXT];
	const json_t *layers;
	const char *engine;
	json_t *root;
	int value;

	*ret = (struct intent) {.now = policy_now()};
	path_of(fleet, path);
	root = json_load_file(path, 0, NULL);
	engine = json_string_value(json_object_get(root, "engine"));
	value = engine ? words_find(words_engine, engine) : -1;
	if (value >= 0)
		ret->engine = (enum engine)value;
	layers = json_object_get(root, "applied");
	for (size_t i = 0; i < json_array_size(layers); i++) {
		struct intent_layer *layer = array_push(ret->layers, ret->layer_count);

		if (layer)
			read_layer(json_array_get(layers, i), layer);
	}
	read_faults(root, ret);
	read_pulled(root, ret);
	json_decref(root);
}

static json_t *write_fault(const struct intent_fault *fault)
{
	json_t *object = json_pack(
		"{s:I, s:I, s:I, s:s*, s:s*, s:s*}", "fault", (json_int_t)fault->id, "kind",
		(json_int_t)fault->kind, "deadline", (json_int_t)fault->deadline, "conditions",
		fault->conditions, "targets", fault->targets, "class", fault->class);
	json_t *groups = fault->group_count ? json_array() : NULL;

	for (size_t i = 0; groups && i < fault->group_count; i++)
		json_array_append_new(groups, json_string(fault->groups[i]));
	if (groups)
		json_object_set_new(object, "groups", groups);
	if (fault->vlan)
		json_object_set_new(object, "vlan", json_integer(fault->vlan));
	if (fault->period_ns) {
		json_object_set_new(object, "period_ns",
				    json_integer((json_int_t)fault->period_ns));
		json_object_set_new(object, "up_ns", json_integer((json_int_t)fault->up_ns));
	}
	return object;
}

static json_t *write_layer(const struct intent_layer *layer)
{
	json_t *object = json_pack("{s:s*, s:s*, s:s*}", "profile", layer->profile, "file",
				   layer->file, "text", layer->text);
	json_t *ports = layer->ports ? json_array() : NULL;

	for (size_t i = 0; ports && i < layer->port_count; i++)
		json_array_append_new(ports, json_string(layer->ports[i]));
	if (ports)
		json_object_set_new(object, "ports", ports);
	return object;
}

static int write_failed(const char *path, struct netsim_err *err)
{
	int code = errno ? -errno : -EIO;
	bool rights = code == -EPERM || code == -EACCES;

	return err_set(err, rights ? NETSIM_ERR_ENV : NETSIM_ERR_KERNEL, code, NULL,
		       "cannot write %s: %s", path, strerror(-code));
}

int intent_write(const char *fleet, const struct intent *intent, struct netsim_err *err)
{
	char path[PATH_TEXT], fresh[PATH_TEXT + 8];
	json_t *root, *layers, *faults, *pulled;
	int r;

	path_of(fleet, path);
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	if (!intent->layer_count && !intent->fault_count && !intent->pulled_count) {
		unlink(path);
		unlink(fresh); /* left by a writer that was killed */
		return 0;
	}
	layers = json_array();
	faults = json_array();
	r = lock_make_dir(err);
	for (size_t i = 0; i < intent->layer_count; i++)
		json_array_append_new(layers, write_layer(&intent->layers[i]));
	for (size_t i = 0; i < intent->fault_count; i++)
		json_array_append_new(faults, write_fault(&intent->faults[i]));
	pulled = intent->pulled_count ? json_array() : NULL;
	for (size_t i = 0; i < intent->pulled_count; i++)
		json_array_append_new(pulled, json_string(intent->pulled[i]));
	root = json_pack("{s:s, s:o, s:o, s:o*}", "engine", words_engine[intent->engine], "applied",
			 layers, "faults", faults, "pulled", pulled);
	if (r == 0 &&
	    (!root || json_dump_file(root, fresh, JSON_INDENT(2)) < 0 || rename(fresh, path) < 0))
		r = write_failed(path, err);
	json_decref(root);
	return r;
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
		r = add_port(layer, ports[i]);
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

int intent_note(const char *fleet, const struct intent_fault *fault, const uint32_t *ended,
		size_t ended_count, struct netsim_err *err)
{
	struct intent intent;
	int r = 0;

	intent_read(fleet, &intent);
	intent_end_faults(&intent, ended, ended_count);
	if (fault)
		r = intent_add_fault(&intent, fault, err);
	if (r == 0)
		r = intent_write(fleet, &intent, err);
	intent_done(&intent);
	return r;
}

static void drop_pulled(struct intent *intent, size_t i)
{
	free(intent->pulled[i]);
	intent->pulled[i] = intent->pulled[--intent->pulled_count];
}

int intent_note_cable(const char *fleet, const char *cable, bool up, struct netsim_err *err)
{
	struct intent intent;
	bool changed = false;
	int r = 0;

	intent_read(fleet, &intent);
	for (size_t i = intent.pulled_count; i-- > 0;)
		if (!cable || strcmp(intent.pulled[i], cable) == 0) {
			drop_pulled(&intent, i);
			changed = up;
		}
	if (!up) {
		char **slot = array_push(intent.pulled, intent.pulled_count);

		changed = slot && (*slot = strdup(cable));
		r = changed ? 0 : err_oom(err);
	}
	if (r == 0 && changed)
		r = intent_write(fleet, &intent, err);
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

int intent_forget_faults(const char *fleet, struct netsim_err *err)
{
	struct intent intent;
	int r = 0;

	intent_read(fleet, &intent);
	for (size_t i = 0; i < intent.fault_count; i++)
		fault_done(&intent.faults[i]);
	if (intent.fault_count) {
		intent.fault_count = 0;
		r = intent_write(fleet, &intent, err);
	}
	intent_done(&intent);
	return r;
}

int intent_parse(struct intent *intent, struct netsim_err *err)
{
	for (size_t i = 0; i < intent->layer_count; i++) {
		struct intent_layer *layer = &intent->layers[i];
		struct netsim_diags diags = {0};

		if (layer->parsed || !layer->text || !layer->file)
			continue;
		if (profile_parse(layer->file, layer->text, strlen(layer->text), &layer->parsed,
				  &diags) == 0)
			continue;
		if (err && err->kind == NETSIM_ERR_NONE && diags.count)
			*err = diags.list[0];
		return -EINVAL;
	}
	return 0;
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

int intent_port(const struct intent *intent, const struct model_node *node, const char *iface,
		struct link_conditions *ret, struct netsim_err *err)
{
	*ret = (struct link_conditions) {0};
	for (size_t i = 0; i < intent->seen_count; i++)
		if (strcmp(intent->seen[i].node, node->name) == 0 &&
		    strcmp(intent->seen[i].iface, iface) == 0)
			*ret = intent->seen[i].conditions;
	for (size_t i = intent->layer_count; i-- > 0;) {
		const struct intent_layer *layer = &intent->layers[i];

		if (!names_port(layer, node->name, iface))
			continue;
		if (!layer->parsed)
			return 0;
		return profile_resolve(layer->parsed, node->name, (const char *const *)node->roles,
				       node->role_count, ret, err);
	}
	return 0;
}

const struct profile *intent_whole(const struct intent *intent)
{
	for (size_t i = intent->layer_count; i-- > 0;)
		if (!intent->layers[i].ports)
			return intent->layers[i].parsed;
	return NULL;
}
