// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads and prints a recipe: the command, readiness and members of a system. */
#include "netsim/config/recipe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/arena.h"
#include "netsim/util/name.h"
#include "netsim/util/quote.h"
#include "netsim/words/series.h"

#define RECIPE_NAME_MAX 63

static const char *const stores[] = {
	[RECIPE_STORE_NONE] = "none",
	[RECIPE_STORE_ETCD] = "etcd",
	[RECIPE_STORE_BLOCK] = "block",
	NULL,
};

/* Placeholders in the texts of the clients, which know a member, but no folder of data. */
#define OF_MEMBER (TEMPLATE_NODE | TEMPLATE_ADDRESS | TEMPLATE_FOLDER)

static const struct field tls_rows[] = {
	{FIELD(struct recipe_tls, ca, "ca", program_bind_template), .required = true,
	 .max = OF_MEMBER},
	{FIELD(struct recipe_tls, cert, "cert", program_bind_template), .required = true,
	 .max = OF_MEMBER},
	{FIELD(struct recipe_tls, key, "key", program_bind_template), .required = true,
	 .max = OF_MEMBER},
	{0},
};

static bool bind_tls(struct bind *b, const struct field *field, const struct doc_node *node,
		     void *ret)
{
	const struct scope scope = {.what = field->name, .at = &node->at};

	return bind_map(b, tls_rows, node, &scope, ret);
}

/* A list of series, name or name{label="value"}; the arena adopts it. */
static bool bind_series(struct bind *b, const struct field *field, const struct doc_node *node,
			void *ret)
{
	struct texts *texts = ret;
	struct series series;
	bool good = bind_texts(b, field, node, ret);

	for (size_t i = 0; good && i < texts->count; i++) {
		const char *text = texts->list[i].s;

		if (series_parse(text, strlen(text), &series, NULL) != (int)strlen(text))
			good = bind_refuse(b, &texts->list[i].at,
					   "write name or name{label=\"value\"}",
					   "\"%s\" is not a series of metrics", shown(text));
	}
	return bind_keep_texts(b, texts, good);
}

static const struct field recipe_rows[] = {
	{FIELD(struct recipe, name, "recipe", bind_text), .required = true},
	{FIELD(struct recipe, why, "why", bind_text)},
	{FIELD(struct recipe, program.command, "command", program_bind_command), .required = true,
	 .max = TEMPLATE_ALL},
	{FIELD(struct recipe, program, "env", program_bind_env)},
	{FIELD(struct recipe, program.ready, "ready", program_bind_ready),
	 .below = program_ready_rows},
	{FIELD(struct recipe, program.within, "within", bind_duration), .nonzero = true,
	 .unit = "s"},
	{FIELD(struct recipe, store, "store", bind_word), .words = stores},
	{FIELD(struct recipe, url, "url", program_bind_template), .max = OF_MEMBER},
	{FIELD(struct recipe, members, "members", program_bind_command), .max = TEMPLATE_ALL},
	{FIELD(struct recipe, metrics, "metrics", program_bind_template), .max = OF_MEMBER},
	{FIELD(struct recipe, series, "series", bind_series)},
	{FIELD(struct recipe, classes, "classes", program_bind_templates)},
	{FIELD(struct recipe, tls, "tls", bind_tls), .below = tls_rows},
	{0},
};

/* Checks members that depend on each other. */
static bool check(struct bind *b, const struct recipe *recipe)
{
	bool store = doc_get(recipe->doc, "store"), good = true;

	if (recipe->name.s && !name_is_plain(recipe->name.s, RECIPE_NAME_MAX))
		good = bind_refuse(b, &recipe->name.at,
				   "letters, digits, '.', '-' and '_', first a letter or digit",
				   "\"%s\" is not valid as the name of a recipe",
				   shown(recipe->name.s));
	if (recipe->store && !doc_get(recipe->doc, "url"))
		good = bind_refuse(b, &recipe->at,
				   recipe->store == RECIPE_STORE_BLOCK ?
					   "write url: \"nbd://{address}\"" :
					   "write url: \"http://{address}:2379\"",
				   "a recipe with \"store\" needs the key \"url\"");
	if (recipe->store == RECIPE_STORE_BLOCK && recipe->url.s &&
	    !recipe_is_block_url(recipe->url.s))
		good = bind_refuse(
			b, &recipe->url.at, "it begins with nbd://, iscsi:// or file:///",
			"url: \"%s\" is not that of a block device", shown(recipe->url.s));
	if (!store && recipe->url.s)
		good = bind_refuse(b, &recipe->url.at,
				   "write store: etcd or store: block, or remove it",
				   "\"url\" is the address of a store, and there is none");
	if (recipe->series.given && !recipe->metrics.s)
		good = bind_refuse(b, &recipe->series.at,
				   "write metrics: \"http://{address}:2379/metrics\"",
				   "\"series\" are metrics, and the recipe has no \"metrics\"");
	if (store && recipe->members.given)
		good = bind_refuse(b, &recipe->members.at, "remove one of them",
				   "\"store\" and \"members\" exclude each other");
	return good;
}

static bool read_recipe(struct bind *b, struct recipe *recipe)
{
	const struct scope scope = {.what = "a recipe", .at = &recipe->doc->at};
	bool good;

	recipe->at = recipe->doc->at;
	recipe->program.within.ns = PROGRAM_WITHIN;
	good = bind_map(b, recipe_rows, recipe->doc, &scope, recipe);
	return check(b, recipe) && good;
}

bool recipe_has_members(const struct recipe *recipe)
{
	return recipe->store == RECIPE_STORE_ETCD || recipe->members.given;
}

bool recipe_is_block_url(const char *url)
{
	return strncmp(url, "nbd://", 6) == 0 || strncmp(url, "iscsi://", 8) == 0 ||
	       strncmp(url, "file:///", 8) == 0;
}

void recipe_free(struct recipe *recipe)
{
	if (recipe)
		doc_free(recipe->doc);
	arena_free(recipe);
}

static void auto_recipe_fn(struct recipe **recipe)
{
	recipe_free(*recipe);
}

static struct recipe *recipe_new(const char *file, struct netsim_diags *diags)
{
	struct recipe *recipe = arena_new(sizeof(*recipe));
	const char *slash = strrchr(file, '/');
	int length = slash == file ? 1 : slash ? (int)(slash - file) : 1;

	if (recipe) {
		recipe->file = arena_strdup(recipe, file);
		recipe->folder = arena_printf(recipe, "%.*s", length, slash ? file : ".");
		if (recipe->file && recipe->folder)
			return recipe;
	}
	arena_free(recipe);
	diag_add(diags, NULL, NULL, "out of memory");
	return NULL;
}

static int finish(struct recipe **recipe, struct recipe **ret, struct netsim_diags *diags)
{
	auto_bind struct bind b = {.diags = diags, .context = *recipe};
	bool good = (*recipe)->doc && read_recipe(&b, *recipe);

	diags_sort(diags);
	if (!good)
		return -EINVAL;
	*ret = take(*recipe);
	return 0;
}

int recipe_load(const char *path, struct recipe **ret, struct netsim_diags *diags)
{
	autofn(auto_recipe_fn) struct recipe *recipe = recipe_new(path, diags);

	if (!recipe)
		return -EINVAL;
	doc_load(recipe->file, &recipe->doc, diags);
	return finish(&recipe, ret, diags);
}

int recipe_parse(const char *file, const char *data, size_t len, struct recipe **ret,
		 struct netsim_diags *diags)
{
	autofn(auto_recipe_fn) struct recipe *recipe = recipe_new(file, diags);

	if (!recipe)
		return -EINVAL;
	doc_parse(recipe->file, data, len, &recipe->doc, diags);
	return finish(&recipe, ret, diags);
}

static void print_line(FILE *out, const char *key, const struct text *text)
{
	if (!text->s)
		return;
	fprintf(out, "%s: ", key);
	quote_print(text->s, out);
	fputc('\n', out);
}

static void print_list(FILE *out, const char *key, const struct texts *texts)
{
	if (!texts->given)
		return;
	fprintf(out, "%s:\n", key);
	for (size_t i = 0; i < texts->count; i++) {
		fputs("- ", out);
		quote_print(texts->list[i].s, out);
		fputc('\n', out);
	}
}

static void print_tls(FILE *out, const struct recipe_tls *tls)
{
	if (!tls->ca.s)
		return;
	fputs("tls:\n", out);
	print_line(out, "  ca", &tls->ca);
	print_line(out, "  cert", &tls->cert);
	print_line(out, "  key", &tls->key);
}

int recipe_print(const struct recipe *recipe, FILE *out)
{
	print_line(out, "recipe", &recipe->name);
	print_line(out, "why", &recipe->why);
	print_list(out, "command", &recipe->program.command);
	program_print_lines(out, &recipe->program);
	if (recipe->store)
		fprintf(out, "store: %s\n", stores[recipe->store]);
	print_line(out, "url", &recipe->url);
	print_list(out, "members", &recipe->members);
	print_line(out, "metrics", &recipe->metrics);
	print_list(out, "series", &recipe->series);
	print_list(out, "classes", &recipe->classes);
	print_tls(out, &recipe->tls);
	return ferror(out) ? -EIO : 0;
}
