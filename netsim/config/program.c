// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads and prints how a program is run. */
#include "netsim/config/program.h"

#include <stdlib.h>
#include <string.h>

#include "netsim/util/arena.h"
#include "netsim/util/quote.h"

bool program_check_template(struct bind *b, const char *name, const struct doc_node *node,
			    unsigned allowed)
{
	const char *why, *hint;
	struct netsim_loc at;
	size_t bad, length;
	char place[ERR_SHOWN];

	if (!bind_string(b, name, node))
		return false;
	if (template_check(node->text, allowed, &bad, &why, &hint) >= 0)
		return true;
	length = strcspn(node->text + bad, "}");
	snprintf(place, sizeof(place), "%.*s", (int)(length < 40 ? length + 1 : 40),
		 node->text + bad);
	at = doc_within(node, bad);
	return bind_refuse(b, &at, hint, "%s: %s %s", shown(name), shown(place), why);
}

bool program_bind_template(struct bind *b, const struct field *field, const struct doc_node *node,
			   void *ret)
{
	return program_check_template(b, field->name, node, (unsigned)field->max) &&
	       bind_text(b, field, node, ret);
}

/* Appends an item to texts; the arena adopts the list once it is complete. */
static bool add_template(struct bind *b, const struct field *field, const struct doc_node *node,
			 void *ret)
{
	return program_check_template(b, field->name, node, (unsigned)field->max) &&
	       bind_texts(b, field, node, ret);
}

bool program_bind_templates(struct bind *b, const struct field *field, const struct doc_node *node,
			    void *ret)
{
	struct texts *texts = ret;
	bool good = bind_each(b, field, node, add_template, ret);

	texts->given = true;
	texts->at = node->at;
	return bind_keep_texts(b, texts, good);
}

bool program_bind_command(struct bind *b, const struct field *field, const struct doc_node *node,
			  void *ret)
{
	if (node->kind != DOC_LIST)
		return bind_refuse(b, &node->at, "write [PROGRAM, ARGUMENT, ...]",
				   "%s: must be a list, not %s", field->name, doc_kind_name(node));
	if (!node->count)
		return bind_refuse(b, &node->at, "write [PROGRAM, ARGUMENT, ...]",
				   "%s: the list is empty", field->name);
	return program_bind_templates(b, field, node, ret);
}

bool program_bind_env(struct bind *b, const struct field *field, const struct doc_node *node,
		      void *ret)
{
	struct program *program = ret;
	bool good = true;

	if (node->kind != DOC_MAP)
		return bind_refuse(b, &node->at, "write {NAME: VALUE}",
				   "%s: must be a mapping, not %s", field->name,
				   doc_kind_name(node));
	for (size_t i = 0; i < node->count; i++) {
		const struct doc_entry *entry = &node->entries[i];
		const struct field value = {.name = entry->key, .max = TEMPLATE_ALL};
		struct env_var *var;

		if (!*entry->key || strchr(entry->key, '=')) {
			good = bind_refuse(b, &entry->at, NULL,
					   "\"%s\" is not valid as the name of a variable",
					   shown(entry->key));
			continue;
		}
		if (!bind_spend(b, &entry->at))
			return false;
		var = arena_push(b->context, program->env, program->env_count);
		if (!var)
			return bind_oom(b);
		var->name = entry->key;
		good &= program_bind_template(b, &value, entry->value, &var->value);
	}
	return good;
}

static bool set_kind(struct bind *b, const struct field *field, const struct doc_node *node,
		     struct ready *ready, enum ready_kind kind)
{
	if (ready->kind)
		return bind_refuse(b, &node->at, "write one of tcp, http, run, log",
				   "ready: \"%s\" is a second condition", field->name);
	ready->kind = kind;
	return true;
}

static bool bind_ready_tcp(struct bind *b, const struct field *field, const struct doc_node *node,
			   void *ret)
{
	struct ready *ready = ret;
	struct field port = *field;

	port.size = sizeof(ready->port);
	return set_kind(b, field, node, ready, READY_TCP) &&
	       bind_count(b, &port, node, &ready->port);
}

static bool bind_ready_http(struct bind *b, const struct field *field, const struct doc_node *node,
			    void *ret)
{
	struct ready *ready = ret;

	return set_kind(b, field, node, ready, READY_HTTP) &&
	       program_bind_template(b, field, node, &ready->text);
}

static bool bind_ready_run(struct bind *b, const struct field *field, const struct doc_node *node,
			   void *ret)
{
	struct ready *ready = ret;

	return set_kind(b, field, node, ready, READY_RUN) &&
	       program_bind_command(b, field, node, &ready->run);
}

static bool bind_ready_log(struct bind *b, const struct field *field, const struct doc_node *node,
			   void *ret)
{
	struct ready *ready = ret;

	return set_kind(b, field, node, ready, READY_LOG) &&
	       bind_text(b, field, node, &ready->text);
}

const struct field program_ready_rows[] = {
	{.name = "tcp", .bind = bind_ready_tcp, .min = 1, .max = 65535},
	{.name = "http", .bind = bind_ready_http, .max = TEMPLATE_ALL},
	{.name = "run", .bind = bind_ready_run, .max = TEMPLATE_ALL},
	{.name = "log", .bind = bind_ready_log},
	{0},
};

bool program_bind_ready(struct bind *b, const struct field *field, const struct doc_node *node,
			void *ret)
{
	const struct scope scope = {.what = "ready", .at = &node->at};
	struct ready *ready = ret;

	(void)field;
	ready->at = node->at;
	if (!bind_map(b, program_ready_rows, node, &scope, ready))
		return false;
	return ready->kind || bind_refuse(b, &node->at, "write one of tcp, http, run, log",
					  "ready: there is no condition");
}

void program_print_list(FILE *out, const struct texts *texts)
{
	fputc('[', out);
	for (size_t i = 0; i < texts->count; i++) {
		fputs(i ? ", " : "", out);
		quote_print(texts->list[i].s, out);
	}
	fputc(']', out);
}

static void print_ready(FILE *out, const struct ready *ready)
{
	fputs("ready: {", out);
	switch (ready->kind) {
	case READY_TCP:
		fprintf(out, "tcp: %u", ready->port);
		break;
	case READY_RUN:
		fputs("run: ", out);
		program_print_list(out, &ready->run);
		break;
	case READY_HTTP:
	case READY_LOG:
		fputs(ready->kind == READY_HTTP ? "http: " : "log: ", out);
		quote_print(ready->text.s, out);
		break;
	case READY_ALIVE:
		break;
	}
	fputc('}', out);
}

/* Prints env, ready and within, each between the texts before and after. */
static void print(FILE *out, const struct program *program, const char *before, const char *after)
{
	char text[UNIT_TEXT];

	if (program->env_count)
		fprintf(out, "%senv: {", before);
	for (size_t i = 0; i < program->env_count; i++) {
		fputs(i ? ", " : "", out);
		quote_print(program->env[i]->name, out);
		fputs(": ", out);
		quote_print(program->env[i]->value.s, out);
	}
	if (program->env_count)
		fprintf(out, "}%s", after);
	if (program->ready.kind) {
		fputs(before, out);
		print_ready(out, &program->ready);
		fputs(after, out);
	}
	fprintf(out, "%swithin: %s%s", before, unit_format_duration(program->within, text), after);
}

void program_print_lines(FILE *out, const struct program *program)
{
	print(out, program, "", "\n");
}

void program_print_flow(FILE *out, const struct program *program)
{
	print(out, program, ", ", "");
}
