/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Converts an intent to JSON, the form of its file, and back. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/words.h"
#include "netsim/shape/intent_parts.h"
#include "netsim/util/array.h"

static char *copy_member(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? strdup(text) : NULL;
}

int intent_add_port(struct intent_layer *layer, const char *port)
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
			(void)intent_add_port(layer, port);
	}
}

static void read_fault(const json_t *object, struct intent_fault *fault)
{
	const json_t *groups = json_object_get(object, "groups");

	fault->id = (uint32_t)json_integer_value(json_object_get(object, "fault"));
	fault->kind = (uint32_t)json_integer_value(json_object_get(object, "kind"));
	fault->deadline = (uint64_t)json_integer_value(json_object_get(object, "deadline"));
	fault->start = (uint64_t)json_integer_value(json_object_get(object, "start"));
	fault->name = copy_member(object, "name");
	fault->l2 = json_is_true(json_object_get(object, "l2"));
	fault->reject = json_is_true(json_object_get(object, "reject"));
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

static void read_root(const json_t *root, struct intent *ret)
{
	const json_t *layers = json_object_get(root, "applied");
	const char *engine = json_string_value(json_object_get(root, "engine"));
	int value = engine ? words_find(words_engine, engine) : -1;

	if (value >= 0)
		ret->engine = (enum engine)value;
	for (size_t i = 0; i < json_array_size(layers); i++) {
		struct intent_layer *layer = array_push(ret->layers, ret->layer_count);

		if (layer)
			read_layer(json_array_get(layers, i), layer);
	}
	read_faults(root, ret);
	read_pulled(root, ret);
}

int intent_from_json(const char *text, size_t len, struct intent *ret)
{
	json_t *root = json_loadb(text, len, 0, NULL);
	int r = json_is_object(root) ? 0 : -EINVAL;

	if (r == 0)
		read_root(root, ret);
	json_decref(root);
	return r;
}

static json_t *write_fault(const struct intent_fault *fault)
{
	json_t *object = json_pack(
		"{s:I, s:I, s:I, s:I, s:s*, s:s*, s:s*, s:s*}", "fault", (json_int_t)fault->id,
		"kind", (json_int_t)fault->kind, "deadline", (json_int_t)fault->deadline, "start",
		(json_int_t)fault->start, "name", fault->name, "conditions", fault->conditions,
		"targets", fault->targets, "class", fault->class);
	json_t *groups = fault->group_count ? json_array() : NULL;

	for (size_t i = 0; groups && i < fault->group_count; i++)
		json_array_append_new(groups, json_string(fault->groups[i]));
	if (groups)
		json_object_set_new(object, "groups", groups);
	if (fault->l2)
		json_object_set_new(object, "l2", json_true());
	if (fault->reject)
		json_object_set_new(object, "reject", json_true());
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

char *intent_to_json(const struct intent *intent)
{
	json_t *layers = json_array(), *faults = json_array(), *pulled, *root;
	char *text;

	for (size_t i = 0; i < intent->layer_count; i++)
		json_array_append_new(layers, write_layer(&intent->layers[i]));
	for (size_t i = 0; i < intent->fault_count; i++)
		json_array_append_new(faults, write_fault(&intent->faults[i]));
	pulled = intent->pulled_count ? json_array() : NULL;
	for (size_t i = 0; i < intent->pulled_count; i++)
		json_array_append_new(pulled, json_string(intent->pulled[i]));
	root = json_pack("{s:s, s:o, s:o, s:o*}", "engine", words_engine[intent->engine], "applied",
			 layers, "faults", faults, "pulled", pulled);
	text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
	json_decref(root);
	return text;
}
