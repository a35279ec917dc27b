// SPDX-License-Identifier: GPL-2.0-or-later
/* The options and arguments of partition, fault, link, apply, clear, heal and exec. */
#include "netsim/words/syntax.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "netsim/util/auto.h"
#include "netsim/util/err.h"
#include "netsim/words/options.h"

#define FLAP_PERIOD 2000000000
#define FLAP_SHARE  50

#define END_OF_TABLE                                    \
	{                                               \
		0, NULL, NETSIM_OPT_FLAG, 0, NULL, NULL \
	}

/* The options that partition, fault and link share. */
#define FOR_AND_NAME(type, for_member, name_member)                              \
	{0,                                                                      \
	 "for",                                                                  \
	 NETSIM_OPT_DURATION,                                                    \
	 offsetof(type, for_member),                                             \
	 "TIME",                                                                 \
	 "heal automatically after TIME (enforced by the kernel)"},              \
	{                                                                        \
		0, "name", NETSIM_OPT_TEXT, offsetof(type, name_member), "NAME", \
			"a name for netsim heal"                                 \
	}

static const char *const *list(char **words)
{
	return (const char *const *)words;
}

static size_t length(char **words)
{
	size_t count = 0;

	while (words[count])
		count++;
	return count;
}

/* The index of a word in a table that ends with NULL, or -1. */
static int find(const char *const *table, const char *word)
{
	for (int i = 0; table[i]; i++)
		if (strcmp(table[i], word) == 0)
			return i;
	return -1;
}

static const struct netsim_opt partition_opts[] = {
	{0, "isolate", NETSIM_OPT_FLAG, offsetof(struct netsim_partition_opts, isolate), NULL,
	 "cut each node off (all nodes, or those named)"},
	{0, "bridge", NETSIM_OPT_TEXT, offsetof(struct netsim_partition_opts, bridge), "NODE",
	 "cut into two halves that both still reach NODE"},
	{0, "ring", NETSIM_OPT_FLAG, offsetof(struct netsim_partition_opts, ring), NULL,
	 "let each node hear only from its own majority"},
	{0, "one-way", NETSIM_OPT_FLAG, offsetof(struct netsim_partition_opts, one_way), NULL,
	 "the first group cannot send to the second"},
	{0, "matrix", NETSIM_OPT_TEXT, offsetof(struct netsim_partition_opts, matrix), "FILE",
	 "a YAML file says who cannot send to whom"},
	{0, "class", NETSIM_OPT_TEXT, offsetof(struct netsim_partition_opts, class_name), "CLASS",
	 "only traffic of this class"},
	FOR_AND_NAME(struct netsim_partition_opts, for_ns, name),
	{0, "l2", NETSIM_OPT_FLAG, offsetof(struct netsim_partition_opts, l2), NULL,
	 "where one direction is cut: cut ARP and ND, too"},
	{0, "reject", NETSIM_OPT_FLAG, offsetof(struct netsim_partition_opts, reject), NULL,
	 "answer what is dropped: TCP resets, or ICMP prohibited"},
	END_OF_TABLE,
};

/* Where a name is missing in a list with commas, such as "a,"; NULL if none is. */
static const char *find_empty(const char *list)
{
	for (const char *name = list; name; name = strchr(name, ',') ? strchr(name, ',') + 1 : NULL)
		if (!*name || *name == ',')
			return name;
	return NULL;
}

static int take_partition(char **words, void *opts, const char **bad, struct netsim_err *err)
{
	struct netsim_partition_opts *cut = opts;

	for (size_t i = 0; words[i]; i++) {
		*bad = find_empty(words[i]);
		if (!*bad)
			continue;
		options_refuse(err, "a name is missing in \"%s\"", shown(words[i]));
		err_hint(err, "write a,b for one group of two nodes, and a b for two groups");
		return -EINVAL;
	}
	cut->size = sizeof(*cut);
	cut->groups = list(words);
	cut->group_count = length(words);
	return 0;
}

const struct netsim_syntax syntax_partition = {
	.args = "[GROUP...]",
	.summary = "Cut groups of nodes (a,b,@role) off from each other or the rest.",
	.opts = partition_opts,
	.max = -1,
	.take = take_partition,
};

int syntax_check_partition(const struct netsim_partition_opts *cut, struct netsim_err *err)
{
	if (cut->one_way + cut->isolate + cut->ring + !!cut->bridge + !!cut->matrix > 1)
		return options_refuse(
			err,
			"--isolate, --bridge, --ring, --one-way and --matrix exclude each other");
	if (cut->matrix && cut->group_count)
		return options_refuse(err, "--matrix takes no groups: the file names the nodes");
	if (cut->one_way && cut->group_count != 2)
		return options_refuse(
			err, "--one-way takes two groups: the first cannot send to the second");
	if (!cut->isolate && !cut->bridge && !cut->ring && !cut->matrix && cut->group_count == 0)
		return options_refuse(
			err,
			"give the nodes to cut off, or --isolate, --bridge, --ring or --matrix");
	return 0;
}

static const struct netsim_opt fault_opts[] = {
	{0, "class", NETSIM_OPT_TEXT, offsetof(struct netsim_fault_opts, class_name), "CLASS",
	 "only traffic of this class"},
	FOR_AND_NAME(struct netsim_fault_opts, for_ns, name),
	{0, "l2", NETSIM_OPT_FLAG, offsetof(struct netsim_fault_opts, l2), NULL,
	 "for paths: affect ARP and IPv6 neighbours, too"},
	END_OF_TABLE,
};

static int take_fault(char **words, void *opts, const char **bad, struct netsim_err *err)
{
	struct netsim_fault_opts *fault = opts;

	(void)bad;
	fault->size = sizeof(*fault);
	fault->conditions = words[0];
	fault->targets = list(words + 1);
	fault->target_count = length(words + 1);
	/* One that takes the place of another, by its name, can have the targets of that. */
	return fault->target_count || fault->class_name || fault->name ?
		       0 :
		       options_refuse(
			       err, "missing argument, expected CONDITIONS TARGET..., or --class");
}

const struct netsim_syntax syntax_fault = {
	.args = "CONDITIONS [TARGET...]",
	.summary = "Add conditions on top of the profile, for nodes or pairs (a:b).",
	.grammar = "CONDITIONS, quoted as one word such as 'loss 5% delay 80ms', are any of\n"
		   "  rate RATE   burst SIZE   peak RATE   queue TIME|SIZE|N packets\n"
		   "  overhead SIZE [atm]\n"
		   "  delay TIME   jitter TIME   distribution uniform|normal|pareto|paretonormal\n"
		   "  loss RATIO|gilbert-elliott p RATIO r RATIO|4-state p13 RATIO p31 RATIO\n"
		   "  reorder forbidden|allowed|RATIO   duplicate RATIO   corrupt RATIO\n"
		   "  larger SIZE   hold   slot TIME[..TIME] [N packets] [SIZE]   seed NUMBER\n",
	.opts = fault_opts,
	.min = 1,
	.max = -1,
	.take = take_fault,
};

static const struct netsim_opt link_opts[] = {
	{0, "period", NETSIM_OPT_DURATION, offsetof(struct netsim_link_words, opts.period_ns),
	 "TIME", "flap: the period (2s)"},
	{0, "duty", NETSIM_OPT_TEXT, offsetof(struct netsim_link_words, duty), "PERCENT",
	 "flap: the share of the period that the link is up (50%)"},
	FOR_AND_NAME(struct netsim_link_words, opts.for_ns, opts.name),
	END_OF_TABLE,
};

/* Computes how long of each period the link is up. */
static int take_duty(struct netsim_link_words *link, bool period_given, const char **bad,
		     struct netsim_err *err)
{
	struct netsim_link_opts *opts = &link->opts;
	double percent = FLAP_SHARE;
	char end = 0, sign = 0;

	if (link->duty && (sscanf(link->duty, "%lf%c%c", &percent, &sign, &end) != 2 ||
			   sign != '%' || !(percent >= 0 && percent < 100))) {
		*bad = link->duty;
		return options_refuse(err,
				      "--duty %s: must be a percentage below 100%%, such as 50%%",
				      link->duty);
	}
	opts->up_ns = (int64_t)((double)opts->period_ns * percent / 100);
	if (opts->state != NETSIM_LINK_FLAP && (link->duty || period_given))
		return options_refuse(err, "--period and --duty need flap");
	if (opts->state == NETSIM_LINK_UP && (opts->for_ns || opts->name))
		return options_refuse(err, "--for and --name need down or flap");
	return 0;
}

static int take_link(char **words, void *opts, const char **bad, struct netsim_err *err)
{
	static const char *const states[] = {"down", "up", "flap", NULL};
	struct netsim_link_words *link = opts;
	bool period_given = link->opts.period_ns;
	int state = find(states, words[0]);

	*bad = words[0];
	if (state < 0)
		return options_refuse(err, "%s: must be down, up or flap", words[0]);
	link->opts.size = sizeof(link->opts);
	link->opts.state = (enum netsim_link_state)state;
	link->opts.targets = list(words + 1);
	link->opts.target_count = length(words + 1);
	if (!period_given)
		link->opts.period_ns = FLAP_PERIOD;
	return take_duty(link, period_given, bad, err);
}

const struct netsim_syntax syntax_link = {
	.args = "down|up|flap TARGET...",
	.summary = "Take cables down or up, or make them flap.",
	.opts = link_opts,
	.min = 2,
	.max = -1,
	.take = take_link,
};

static const struct netsim_opt apply_opts[] = {
	{0, "as", NETSIM_OPT_TEXT, offsetof(struct netsim_apply_words, opts.as), "NODE",
	 "use the entry of NODE for interfaces (the host name)"},
	{0, "engine", NETSIM_OPT_TEXT, offsetof(struct netsim_apply_words, engine), "ENGINE",
	 "auto, netem or edt (default: from the profile)"},
	END_OF_TABLE,
};

static int take_clear(char **words, void *opts, const char **bad, struct netsim_err *err)
{
	struct netsim_apply_words *apply = opts;

	(void)bad;
	(void)err;
	apply->opts.size = sizeof(apply->opts);
	apply->opts.targets = list(words);
	apply->opts.target_count = length(words);
	return 0;
}

static int take_apply(char **words, void *opts, const char **bad, struct netsim_err *err)
{
	static const char *const engines[] = {"auto", "netem", "edt", NULL};
	struct netsim_apply_words *apply = opts;
	int engine = apply->engine ? find(engines, apply->engine) : NETSIM_ENGINE_AUTO;

	if (engine < 0) {
		*bad = apply->engine;
		return options_refuse(err, "unknown engine %s: must be auto, netem or edt",
				      apply->engine);
	}
	apply->opts.engine = (enum netsim_engine)engine;
	apply->profile = words[0];
	return take_clear(words + 1, opts, bad, err);
}

const struct netsim_syntax syntax_apply = {
	.args = "PROFILE [TARGET...]",
	.summary = "Apply a profile to the fleet, some of its nodes, or interfaces.",
	.opts = apply_opts,
	.min = 1,
	.max = -1,
	.take = take_apply,
};

const struct netsim_syntax syntax_clear = {
	.args = "[TARGET...]",
	.summary = "Remove the shaping.",
	.max = -1,
	.take = take_clear,
};

static const struct netsim_opt heal_opts[] = {
	{'a', "all", NETSIM_OPT_FLAG, offsetof(struct netsim_heal_words, all), NULL,
	 "all faults (the default without FAULT)"},
	END_OF_TABLE,
};

static int take_heal(char **words, void *opts, const char **bad, struct netsim_err *err)
{
	struct netsim_heal_words *heal = opts;

	*bad = words[0];
	if (heal->all && words[0])
		return options_refuse(err, "--all and FAULT exclude each other");
	heal->opts.size = sizeof(heal->opts);
	heal->opts.faults = list(words);
	heal->opts.fault_count = length(words);
	return 0;
}

const struct netsim_syntax syntax_heal = {
	.args = "[FAULT...]",
	.summary = "End faults by number or name, or all of them.",
	.opts = heal_opts,
	.max = -1,
	.take = take_heal,
};

static int take_exec(char **words, void *opts, const char **bad, struct netsim_err *err)
{
	struct netsim_exec_words *exec = opts;
	char **command = words + 1;

	(void)bad;
	if (strcmp(*command, "--") == 0)
		command++;
	if (!*command)
		return options_refuse(err, "missing argument, expected %s", syntax_exec.args);
	exec->node = words[0];
	exec->command = command;
	return 0;
}

const struct netsim_syntax syntax_exec = {
	.args = "NODE -- COMMAND [ARGUMENT...]",
	.summary = "Run a command inside a node; its exit status is the command's.",
	.min = 2,
	.max = -1,
	.raw = true,
	.take = take_exec,
};
