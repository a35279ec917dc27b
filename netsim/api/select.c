// SPDX-License-Identifier: GPL-2.0-or-later
/* select: the nodes that have a role in a cluster now, for commands outside a run. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/api/handle.h"
#include "netsim/api/selection.h"
#include "netsim/config/recipe.h"
#include "netsim/fleet/addresses.h"
#include "netsim/fleet/target.h"
#include "netsim/run/cluster.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/buf.h"
#include "netsim/util/clock.h"

#define WHERE_NAMED "--members"

/* A cluster as the options name it, "etcd=@server:RECIPE"; everything is in the arena. */
struct asked {
	const char **nodes; /* belong to the model */
	const char **addresses;
	struct etcd_endpoint *endpoints;
	struct process_spec *commands;
	size_t count;
	struct recipe *recipe; /* or NULL: url is given */
	const char *url;
};

struct selecting {
	const struct netsim_select_opts *o;
	struct fleet f;
	struct known_address *known; /* NULL: not needed yet */
	size_t known_count;
	struct netsim_select *ret; /* the arena */
	struct netsim_err *err;
};

/* Sets *ret to a node's first address that the kernel did not generate; "" if there is none. */
static int address_of(struct selecting *s, int node, const char **ret)
{
	const struct model *model = s->f.model;
	const struct ip *ip = NULL;
	char text[UNIT_TEXT] = "";
	int r = 0;

	for (size_t i = 0; !ip && i < model->link_count; i++)
		if (model->links[i].node == node && model->links[i].addr_count)
			ip = &model->links[i].addrs[0].ip;
	if (!ip && !s->known)
		r = addresses_known(s->f.st, model, &s->known, &s->known_count, s->err);
	for (size_t i = 0; r == 0 && !ip && i < s->known_count; i++)
		if (strcmp(s->known[i].name, model->nodes[node].name) == 0 &&
		    !ip_is_link_local(&s->known[i].ip))
			ip = &s->known[i].ip;
	if (ip)
		unit_format_address(ip, text);
	*ret = r == 0 ? arena_strdup(s->ret, text) : NULL;
	return r == 0 && !*ret ? err_oom(s->err) : r;
}

/* Adds the nodes that words name, in the order of the fleet. */
static int add_nodes(struct selecting *s, struct asked *a, char *words)
{
	const struct model *model = s->f.model;
	auto_free bool *marks = calloc(model->node_count + 1, sizeof(*marks));
	char *save = NULL;
	int r = 0;

	a->nodes = arena_alloc(s->ret, (model->node_count + 1) * sizeof(*a->nodes));
	a->addresses = arena_alloc(s->ret, (model->node_count + 1) * sizeof(*a->addresses));
	if (!marks || !a->nodes || !a->addresses)
		return err_oom(s->err);

	for (char *word = strtok_r(words, ",", &save); r >= 0 && word;
	     word = strtok_r(NULL, ",", &save))
		r = target_nodes(model, word, marks, s->err);
	for (size_t i = 0; r >= 0 && i < model->node_count; i++) {
		if (!marks[i])
			continue;
		a->nodes[a->count] = model->nodes[i].name;
		r = address_of(s, (int)i, &a->addresses[a->count++]);
	}
	return r < 0 ? r : 0;
}

/* The placeholders that have a value here. Only a run has folders of data: {data} is refused. */
#define PLACEHOLDERS (TEMPLATE_NODE | TEMPLATE_ADDRESS | TEMPLATE_FOLDER)

/* Fills a text for a member. */
static const char *fill(struct selecting *s, const struct asked *a, size_t i, const char *text)
{
	const struct template_values values = {
		.self = {a->nodes[i], a->addresses[i]},
		.folder = a->recipe ? a->recipe->folder : ".",
	};
	const char *why = NULL, *hint = NULL, *kept;
	size_t bad;
	int places = template_check(text, PLACEHOLDERS, &bad, &why, &hint);
	auto_free char *filled = NULL;

	if (places < 0) {
		err_set(s->err, NETSIM_ERR_INPUT, -EINVAL, NULL, "\"%s\": %s", text, why);
		if (hint)
			err_hint(s->err, "%s", hint);
		return NULL;
	}
	if ((places & TEMPLATE_ADDRESS) && !*a->addresses[i]) {
		err_set(s->err, NETSIM_ERR_INPUT, -ENOENT, NULL,
			"\"%s\": netsim knows no address of %s", text, a->nodes[i]);
		err_hint(s->err, "write it in the topology: address, or reserve for one by DHCP; "
				 "or ping the node once from the host");
		return NULL;
	}
	filled = template_fill(text, &values);
	kept = filled ? arena_strdup(s->ret, filled) : NULL;
	if (!kept)
		err_oom(s->err);
	return kept;
}

/* Requests are sent from inside the node, or from the host to a virtual machine. */
static const char *netns_of(const struct selecting *s, const char *node)
{
	return s->f.model->nodes[model_find_node(s->f.model, node)].netns;
}

static int fill_endpoints(struct selecting *s, struct asked *a)
{
	a->endpoints = arena_alloc(s->ret, a->count * sizeof(*a->endpoints));
	if (!a->endpoints)
		return err_oom(s->err);
	for (size_t i = 0; i < a->count; i++) {
		struct etcd_endpoint *e = &a->endpoints[i];
		const struct recipe_tls *tls = a->recipe ? &a->recipe->tls : NULL;

		*e = (struct etcd_endpoint) {.node = a->nodes[i],
					     .netns = netns_of(s, a->nodes[i]),
					     .url = fill(s, a, i, a->url)};
		if (!e->url)
			return -EINVAL;
		if (!tls || !tls->ca.s)
			continue;
		e->tls.ca = fill(s, a, i, tls->ca.s);
		e->tls.cert = e->tls.ca ? fill(s, a, i, tls->cert.s) : NULL;
		e->tls.key = e->tls.cert ? fill(s, a, i, tls->key.s) : NULL;
		if (!e->tls.key)
			return -EINVAL;
	}
	return 0;
}

/* The environment of the recipe, without variables that only have a value in a run. */
static const char **fill_env(struct selecting *s, const struct asked *a, size_t i)
{
	const struct program *p = &a->recipe->program;
	const char **env = arena_alloc(s->ret, (p->env_count + 1) * sizeof(*env)), *value;
	const char *why = NULL, *hint = NULL;
	size_t count = 0, bad;

	if (!env)
		err_oom(s->err);
	for (size_t k = 0; env && k < p->env_count; k++) {
		if (template_check(p->env[k]->value.s, PLACEHOLDERS, &bad, &why, &hint) < 0)
			continue;
		value = fill(s, a, i, p->env[k]->value.s);
		if (!value)
			return NULL;
		env[count] = arena_printf(s->ret, "%s=%s", p->env[k]->name, value);
		if (!env[count++]) {
			err_oom(s->err);
			return NULL;
		}
	}
	return env;
}

static int fill_commands(struct selecting *s, struct asked *a)
{
	const struct texts *texts = &a->recipe->members;

	a->commands = arena_alloc(s->ret, a->count * sizeof(*a->commands));
	if (!a->commands)
		return err_oom(s->err);
	for (size_t i = 0; i < a->count; i++) {
		const char **argv = arena_alloc(s->ret, (texts->count + 1) * sizeof(*argv));

		if (!argv)
			return err_oom(s->err);
		for (size_t k = 0; k < texts->count; k++) {
			argv[k] = fill(s, a, i, texts->list[k].s);
			if (!argv[k])
				return -EINVAL;
		}
		a->commands[i] = (struct process_spec) {.argv = argv,
							.env = fill_env(s, a, i),
							.netns = netns_of(s, a->nodes[i]),
							.cgroup = -1};
		if (!a->commands[i].env)
			return -EINVAL;
	}
	return 0;
}

/* how: the name or path of a recipe, or a URL. */
static int learn_how(struct selecting *s, struct asked *a, const char *how)
{
	struct netsim_diags diags = {0};
	char path[4096];
	int r;

	a->url = how;
	if (strstr(how, "://"))
		return fill_endpoints(s, a);
	r = netsim_find(NETSIM_FILE_RECIPE, how, path, sizeof(path), s->err);
	if (r < 0)
		return r;
	if (recipe_load(path, &a->recipe, &diags) < 0)
		r = err_first_mistake(&diags, s->err);
	if (r < 0)
		return r;
	if (!recipe_has_members(a->recipe))
		return err_set(s->err, NETSIM_ERR_INPUT, -EINVAL, &a->recipe->at,
			       "the recipe has neither \"store\" nor \"members\", so that its "
			       "leader cannot be found");
	a->url = a->recipe->url.s;
	return a->recipe->store ? fill_endpoints(s, a) : fill_commands(s, a);
}

/* Finds the option of a workload, "etcd=...". */
static const char *find_option(const struct selecting *s, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < s->o->cluster_count; i++)
		if (strncmp(s->o->clusters[i], name, length) == 0 &&
		    s->o->clusters[i][length] == '=')
			return s->o->clusters[i] + length + 1;
	err_set(s->err, NETSIM_ERR_USAGE, -ENOENT, NULL, "the members of %s are not given", name);
	err_hint(s->err, "add " WHERE_NAMED " %s=NODES, such as " WHERE_NAMED " %s=@server", name,
		 name);
	return NULL;
}

static int prepare(struct selecting *s, const char *name, struct asked *a)
{
	const char *option = find_option(s, name);
	size_t length = option ? strcspn(option, ":") : 0;
	char *words;
	int r;

	if (!option)
		return -ENOENT;
	words = arena_printf(s->ret, "%.*s", (int)length, option);
	if (!words)
		return err_oom(s->err);
	r = add_nodes(s, a, words);
	if (r == 0 && !a->count)
		r = err_set(s->err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			    WHERE_NAMED " %s=%s names no nodes", name, option);
	return r == 0 ? learn_how(s, a, option[length] ? option + length + 1 : name) : r;
}

static int add_result(struct selecting *s, const char *word, const char *nodes)
{
	struct netsim_selected *one = arena_push(s->ret, s->ret->list, s->ret->count);

	if (!one)
		return err_oom(s->err);
	one->selector = arena_strdup(s->ret, word);
	one->nodes = arena_strdup(s->ret, nodes);
	one->at_ns = clock_ns(CLOCK_REALTIME);
	return one->selector && one->nodes ? 0 : err_oom(s->err);
}

static int resolve(void *arg, const struct selector *selector, const char *word, char **ret,
		   struct netsim_err *err)
{
	struct selecting *s = arg;
	auto_free char *nodes = NULL;
	struct asked a = {0};
	int r = prepare(s, selector->workload, &a);

	if (r == 0) {
		const struct cluster cluster = {a.nodes, a.endpoints, a.commands, a.count,
						CLUSTER_PATIENCE};

		r = cluster_select(&cluster, selector->kind, &nodes, err);
	}
	recipe_free(a.recipe);
	if (r < 0)
		return err_wrap(err, r, "%s", word);
	r = add_result(s, word, nodes);
	if (r == 0)
		*ret = take(nodes);
	return r;
}

/* Lists the nodes of a pattern, role or address; the command itself refuses one without any. */
static int look(void *arg, const char *word)
{
	struct selecting *s = arg;
	const struct model *model = s->f.model;
	auto_free bool *marks = calloc(model->node_count + 1, sizeof(*marks));
	int found = marks ? target_nodes(model, word, marks, NULL) : 0;
	auto_buf struct buf nodes = {0};

	if (found <= 0 || model_find_node(model, word) >= 0)
		return found;
	for (size_t i = 0; i < model->node_count; i++)
		if (marks[i])
			buf_printf(&nodes, "%s%s", nodes.len ? "," : "", model->nodes[i].name);
	return nodes.data && add_result(s, word, nodes.data) == 0 ? found : 0;
}

static int resolve_words(struct selecting *s, const char *const *words, size_t count)
{
	const struct selection_source source = {resolve, look, s};
	auto_words struct words out = {0};
	int r = s->o->targets ? selection_targets(&source, words, count, &out, s->err) :
				selection_groups(&source, words, count, &out, s->err);

	if (r < 0)
		return r;
	s->ret->words = arena_alloc(s->ret, (out.count + 1) * sizeof(*s->ret->words));
	for (size_t i = 0; s->ret->words && i < out.count; i++) {
		s->ret->words[i] = arena_strdup(s->ret, out.list[i]);
		if (!s->ret->words[i])
			return err_oom(s->err);
	}
	s->ret->word_count = out.count;
	return s->ret->words ? 0 : err_oom(s->err);
}

int netsim_select(struct netsim *ctx, const char *const *words, size_t count,
		  const struct netsim_select_opts *opts, struct netsim_select **ret,
		  struct netsim_err *err)
{
	struct netsim_select *result = arena_new(sizeof(*result));
	struct netsim_select_opts o;
	struct selecting s = {.o = &o, .f = FLEET_NONE, .ret = result, .err = err};
	int r = result ? opts_read(&o, sizeof(o), opts, err) : err_oom(err);

	if (r == 0)
		r = fleet_open(&ctx->state, o.fleet, FLEET_LOOK_INSIDE, &s.f, err);
	if (r == 0)
		r = resolve_words(&s, words, count);
	free(s.known);
	fleet_close(&s.f);
	if (r < 0)
		arena_free(result);
	else
		*ret = result;
	return r;
}

void netsim_select_free(struct netsim_select *result)
{
	arena_free(result);
}
