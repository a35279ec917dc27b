// SPDX-License-Identifier: GPL-2.0-or-later
/* Parses a step of a timeline with the tables of the command line. */
#include "netsim/words/step.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "netsim/util/err.h"
#include "netsim/util/name.h"
#include "netsim/util/unit.h"
#include "netsim/words/options.h"
#include "netsim/words/syntax.h"

const char *const step_words[STEP_COUNT + 1] = {
	[STEP_PARTITION] = "partition", [STEP_FAULT] = "fault", [STEP_LINK] = "link",
	[STEP_APPLY] = "apply",		[STEP_CLEAR] = "clear", [STEP_HEAL] = "heal",
	[STEP_EXEC] = "exec",		[STEP_PAUSE] = "pause", [STEP_CONTINUE] = "continue",
	[STEP_KILL] = "kill",		[STEP_START] = "start", [STEP_UP] = "up",
};

/* The signals that end, stop or wake a process; any other by its number. */
static const struct signal_name {
	const char *name;
	int number;
} signals[] = {
	{"TERM", SIGTERM}, {"KILL", SIGKILL}, {"INT", SIGINT},	 {"HUP", SIGHUP},
	{"QUIT", SIGQUIT}, {"ABRT", SIGABRT}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2},
	{"SEGV", SIGSEGV}, {"STOP", SIGSTOP}, {"CONT", SIGCONT},
};

/* Parses "9", "KILL" or "SIGKILL"; 0: unknown. */
static int parse_signal(const char *text)
{
	uint64_t number;

	if (unit_parse_count(text, 1, (uint64_t)SIGRTMAX, &number) == 0)
		return (int)number;
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (strcasecmp(signals[i].name, text) == 0)
			return signals[i].number;
	return 0;
}

/* Splits WORKLOAD/NODE in place. */
static int take_workload(char **words, void *opts, const char **bad, struct netsim_err *err)
{
	struct step_workload *workload = opts;
	char *slash = words[0] ? strchr(words[0], '/') : NULL;

	*bad = words[0];
	if (slash)
		*slash = '\0';
	if (words[0] && (!*words[0] || (slash && !slash[1])))
		return options_refuse(err, "write WORKLOAD or WORKLOAD/NODE");
	workload->name = words[0];
	workload->node = slash ? slash + 1 : NULL;
	return 0;
}

static int take_kill(char **words, void *opts, const char **bad, struct netsim_err *err)
{
	struct step_workload *workload = opts;
	bool given = words[0][0] == '-';

	workload->signal = given ? parse_signal(words[0] + 1) : SIGTERM;
	*bad = words[0];
	if (!workload->signal)
		return options_refuse(err, "unknown signal %s", words[0]);
	if (given && !words[1]) {
		*bad = NULL;
		return options_refuse(err, "missing argument, expected [-SIGNAL] WORKLOAD[/NODE]");
	}
	if (words[1] && !given)
		return options_refuse(err, "unexpected argument %s", words[1]);
	return take_workload(words + given, opts, bad, err);
}

static const struct netsim_syntax syntax_workload = {
	.args = "WORKLOAD[/NODE]",
	.min = 1,
	.max = 1,
	.take = take_workload,
};

static const struct netsim_syntax syntax_continue = {
	.args = "[WORKLOAD[/NODE]]",
	.max = 1,
	.take = take_workload,
};

static const struct netsim_syntax syntax_kill = {
	.args = "[-SIGNAL] WORKLOAD[/NODE]",
	.min = 1,
	.max = 2,
	.take = take_kill,
};

/* Of the fleet of the scenario, which needs no name. */
static int take_nothing(char **words, void *opts, const char **bad, struct netsim_err *err)
{
	(void)words;
	(void)opts;
	(void)bad;
	(void)err;
	return 0;
}

static const struct netsim_syntax syntax_up = {
	.args = "",
	.take = take_nothing,
};

static const struct netsim_syntax *const syntaxes[STEP_COUNT] = {
	[STEP_PARTITION] = &syntax_partition, [STEP_FAULT] = &syntax_fault,
	[STEP_LINK] = &syntax_link,	      [STEP_APPLY] = &syntax_apply,
	[STEP_CLEAR] = &syntax_clear,	      [STEP_HEAL] = &syntax_heal,
	[STEP_EXEC] = &syntax_exec,	      [STEP_PAUSE] = &syntax_workload,
	[STEP_CONTINUE] = &syntax_continue,   [STEP_KILL] = &syntax_kill,
	[STEP_START] = &syntax_workload,      [STEP_UP] = &syntax_up,
};

static int parse_words(struct step *step, const char **bad, struct netsim_err *err)
{
	const struct netsim_syntax *syntax = syntaxes[step->verb];
	const struct netsim_opt_table table = {syntax->opts, &step->partition};
	char **words = step->split.list + 1;
	int r = 0;

	/* A signal looks like an option. */
	if (step->verb != STEP_KILL)
		r = options_parse(&table, 1, syntax->raw, words, bad, err);
	if (r == 0)
		r = options_take(syntax, words, &step->partition, bad, err);
	if (r == 0 && step->verb == STEP_PARTITION)
		r = syntax_check_partition(&step->partition, err);
	if (r < 0)
		err_wrap(err, r, "%s", step_words[step->verb]);
	if (r < 0 && *bad)
		err_hint(err, "write %s%s%s%s", step_words[step->verb],
			 syntax->opts ? " [OPTION]..." : "", *syntax->args ? " " : "",
			 syntax->args);
	return r;
}

static int parse_verb(struct step *step, struct netsim_err *err)
{
	const char *word = step->split.words[0], *near;

	if (!word)
		return options_refuse(err, "the command is empty");
	for (int i = 0; i < STEP_COUNT; i++)
		if (strcmp(step_words[i], word) == 0) {
			step->verb = (enum step_verb)i;
			return 0;
		}
	near = name_nearest(word, step_words, STEP_COUNT);
	options_refuse(err, "unknown command \"%s\"", shown(word));
	if (near)
		err_hint(err, "did you mean \"%s\"?", near);
	else
		err_hint(err, "the commands are partition, fault, link, apply, clear, heal, exec, "
			      "pause, continue, kill, start, up");
	return -EINVAL;
}

int step_parse(const char *text, struct step *ret, size_t *bad, struct netsim_err *err)
{
	struct step step;
	const char *place = NULL;
	int r;

	memset(&step, 0, sizeof(step));
	r = split_words(text, &step.split, bad);
	if (r == -EINVAL)
		return options_refuse(err, "%s",
				      text[*bad] == '\\' ? "a backslash is the last character" :
							   "a quote has no end");
	if (r < 0)
		return err_oom(err);
	r = parse_verb(&step, err);
	if (r == 0)
		r = parse_words(&step, &place, err);
	if (r < 0) {
		*bad = split_offset(&step.split, place);
		split_done(&step.split);
		return r;
	}
	*ret = step;
	return 0;
}

void step_done(struct step *step)
{
	split_done(&step->split);
}

bool step_is_fault(const struct step *step)
{
	return step->verb == STEP_PARTITION || step->verb == STEP_FAULT ||
	       (step->verb == STEP_LINK && step->link.opts.state != NETSIM_LINK_UP);
}

int64_t *step_for(struct step *step)
{
	return step->verb == STEP_PARTITION ? &step->partition.for_ns :
	       step->verb == STEP_FAULT	    ? &step->fault.for_ns :
					      &step->link.opts.for_ns;
}

const char *step_fault_name(const struct step *step)
{
	if (!step_is_fault(step))
		return NULL;
	return step->verb == STEP_PARTITION ? step->partition.name :
	       step->verb == STEP_FAULT	    ? step->fault.name :
					      step->link.opts.name;
}

size_t step_offset(const struct step *step, const char *place)
{
	return split_offset(&step->split, place);
}
