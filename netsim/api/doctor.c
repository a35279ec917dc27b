/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor: tries the kernel features that netsim uses, in a child process with a
 * scratch network namespace, so that nothing is left behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netsim/api/handle.h"
#include "netsim/kernel/bridge_filter.h"
#include "netsim/kernel/filter.h"
#include "netsim/kernel/link.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/model.h"
#include "netsim/kernel/module.h"
#include "netsim/kernel/ovs.h"
#include "netsim/kernel/qdisc.h"
#include "netsim/kernel/tap.h"
#include "netsim/policy/policy.h"
#include "netsim/util/auto.h"

/* Shared by the trials: a veth pair in the scratch namespace. */
struct trial_state {
	struct rtnl *rt;
	int port; /* ifindex of the veth */
};

#define NODE_IFINDEX 10

static struct link make_link(const char *name, enum link_kind kind)
{
	struct link link = {.node = MODEL_HOST, .kind = kind, .group = mark_group("doctor")};

	snprintf(link.name, sizeof(link.name), "%s", name);
	return link;
}

static int try_bridge(struct trial_state *p, struct netsim_err *err)
{
	struct link link = make_link("d-bridge", LINK_BRIDGE);

	link_add_bridge(p->rt, &link, "bridge");
	return rtnl_send(p->rt, err);
}

static int try_filtering(struct trial_state *p, struct netsim_err *err)
{
	struct link link = make_link("d-filter", LINK_BRIDGE);

	link.vlan_aware = true;
	link_add_bridge(p->rt, &link, "bridge");
	return rtnl_send(p->rt, err);
}

static int try_veth(struct trial_state *p, struct netsim_err *err)
{
	auto_close int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct link link = make_link("d-node", LINK_VETH);

	strcpy(link.peer, "d-port");
	link.ifindex = NODE_IFINDEX;
	link_add_veth(p->rt, &link, own, "veth");
	if (rtnl_send(p->rt, err) < 0)
		return -EIO;
	p->port = (int)if_nametoindex("d-port");
	return 0;
}

static int try_tap(struct trial_state *p, struct netsim_err *err)
{
	auto_close int fd = -1;
	struct link link = make_link("d-tap", LINK_TAP);

	(void)p;
	return tap_make(&link, &fd, err);
}

static int try_bond(struct trial_state *p, struct netsim_err *err)
{
	struct link link = make_link("d-bond", LINK_BOND);

	module_load(MODULE_BONDING);
	link_add_bond(p->rt, &link, "bond");
	return rtnl_send(p->rt, err);
}

static int try_vlan(struct trial_state *p, struct netsim_err *err)
{
	struct link link = make_link("d-vlan", LINK_VLAN);

	link.vlan = 100;
	link_add_vlan(p->rt, &link, p->port, "vlan");
	return rtnl_send(p->rt, err);
}

static int try_ifb(struct trial_state *p, struct netsim_err *err)
{
	module_load(MODULE_IFB);
	link_add_ifb(p->rt, "d-ifb", mark_group("doctor"), "ifb");
	return rtnl_send(p->rt, err);
}

static int try_netem(struct trial_state *p, struct netsim_err *err)
{
	qdisc_put_idle(p->rt, p->port, "netem");
	return rtnl_send(p->rt, err);
}

static int try_tbf(struct trial_state *p, struct netsim_err *err)
{
	qdisc_put_tbf_root(p->rt, NODE_IFINDEX, &TBF_IDLE, "tbf");
	return rtnl_send(p->rt, err);
}

static int try_seed(struct trial_state *p, struct netsim_err *err)
{
	struct netem netem = NETEM_IDLE;
	struct qdiscs all = {0};
	const struct qdisc *root;
	int r;

	netem.has_seed = true;
	netem.seed = 1;
	qdisc_put_netem(p->rt, QDISC_ADD, p->port, &netem, NULL, "netem");
	r = rtnl_send(p->rt, err);
	if (r == 0)
		r = qdisc_list(p->rt, &all, err);
	root = r == 0 ? qdisc_find(&all, p->port, QDISC_ROOT) : NULL;
	if (r == 0 && (!root || !root->has_seed))
		r = err_set(err, NETSIM_ERR_ENV, -EOPNOTSUPP, NULL, "netem takes no seed");
	free(all.list);
	return r;
}

static int try_redirect(struct trial_state *p, struct netsim_err *err)
{
	qdisc_add_clsact(p->rt, p->port, "clsact");
	filter_put_redirect(p->rt, p->port, (int)if_nametoindex("d-ifb"), 0, "redirect");
	return rtnl_send(p->rt, err);
}

static int try_programs(struct trial_state *p, struct netsim_err *err)
{
	return policy_try(p->rt, p->port, err);
}

/* The edt engine's queue: netem at the root, which orphans the packets, with fq below. */
static int try_queue(struct trial_state *p, struct netsim_err *err)
{
	qdisc_put_netem(p->rt, QDISC_ADD, p->port, &NETEM_HOLD(1000), NULL, "netem");
	qdisc_put_fq(p->rt, p->port, 1000, "fq");
	return rtnl_send(p->rt, err);
}

/* The helper prints its version only if it and its library are installed. */
static int try_iperf(struct trial_state *p, struct netsim_err *err)
{
	char path[PATH_MAX], version[] = "--version", *words[] = {path, version, NULL};
	posix_spawn_file_actions_t quiet;
	int status = -1, r = netsim_find_helper("netsim-iperf", path, sizeof(path), err);
	pid_t child;

	(void)p;
	if (r < 0)
		return r;
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (posix_spawn(&child, path, &quiet, NULL, words, environ) == 0)
		waitpid(child, &status, 0);
	posix_spawn_file_actions_destroy(&quiet);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return err_set(err, NETSIM_ERR_ENV, -ENOEXEC, NULL, "netsim-iperf: cannot start %.60s",
		       path);
}

static const struct {
	const char *what, *use;
	int (*attempt)(struct trial_state *p, struct netsim_err *err);
	const char *hint;
	bool optional;
} trials[] = {
	{"bridge", "networks", try_bridge, "modprobe bridge"},
	{"veth", "nodes of the netns kind", try_veth, "modprobe veth"},
	{"tap", "nodes of the tap kind", try_tap, "modprobe tun"},
	{"vlan filtering", "networks with `vlans`", try_filtering,
	 "a kernel with CONFIG_BRIDGE_VLAN_FILTERING"},
	{"bond", "bonds", try_bond, "modprobe bonding"},
	{"8021q", "VLANs", try_vlan, "modprobe 8021q"},
	{"eBPF at clsact", "partitions, pairs, classes, faults", try_programs,
	 "a kernel with CONFIG_BPF_SYSCALL, CONFIG_NET_CLS_BPF and CONFIG_NET_SCH_INGRESS"},
	{"netem", "profiles", try_netem,
	 "modprobe sch_netem (NixOS: boot.kernelModules = [ \"sch_netem\" ])"},
	{"fq", "delay and rate of pairs, classes and faults (edt)", try_queue,
	 "modprobe -a sch_fq sch_netem (NixOS: boot.kernelModules)"},
	{"ifb", "the up direction of profiles", try_ifb, "modprobe ifb numifbs=0"},
	{"redirect", "the up direction of profiles", try_redirect,
	 "modprobe act_mirred cls_bpf sch_ingress"},
	{"tbf", "profiles with `burst`", try_tbf, "modprobe sch_tbf"},
	{"netem seed", "profiles with `seed`", try_seed, "Linux 6.7 or later", true},
	{"iperf", "netsim iperf", try_iperf,
	 "netsim-iperf (built by make, installed by make install) and Debian's libiperf0", true},
};

/* Result of a trial, in memory shared with the child. */
struct outcome {
	bool ok;
	int code; /* the negative errno */
	char detail[160];
};

/* Names the privilege or resource that a trial lacks; NULL if the kernel lacks the feature. */
static const char *lack_of(int code)
{
	switch (-code) {
	case EPERM:
		return "the capabilities of root: CAP_NET_ADMIN, CAP_SYS_ADMIN, CAP_BPF";
	case EACCES:
		return "permission to use it";
	case EMFILE:
	case ENFILE:
		return "more open files: ulimit -n, sysctl fs.file-max";
	case ENOMEM:
		return "more memory";
	default:
		return NULL;
	}
}

static void note(struct outcome *outcome, int r, const struct netsim_err *err)
{
	const char *text = *err->kernel ? err->kernel : err->what;
	/* The trial's name is printed anyway: keep only the reason, which follows the last colon.
	 */
	const char *why = text == err->what ? strrchr(text, ':') : NULL;

	outcome->ok = r == 0;
	outcome->code = err->code;
	snprintf(outcome->detail, sizeof(outcome->detail), "%.159s",
		 r == 0 ? "" :
		 why	? why + 2 :
			  text);
}

static bool found(const struct netsim_findings *all, const char *what)
{
	for (size_t i = 0; i < all->count; i++)
		if (strcmp(all->list[i]->what, what) == 0)
			return all->list[i]->ok;
	return false;
}

/* Describes which engine `engine: auto` can choose on this machine. */
static char *describe_engines(struct netsim_findings *all)
{
	static const char *const needs[] = {"netem", "ifb", "redirect"};
	char netem[64] = "netem for plain profiles";
	bool programs = found(all, "eBPF at clsact");
	const char *edt = !programs	   ? "edt unavailable: eBPF at clsact is missing" :
			  found(all, "fq") ? "edt for pairs, classes, traces and faults" :
					     "edt for loss and partitions only, fq is missing";

	for (size_t i = ARRAY_SIZE(needs); i-- > 0;)
		if (!found(all, needs[i]))
			snprintf(netem, sizeof(netem), "netem unavailable: %s is missing",
				 needs[i]);
	return arena_printf(all, "%s; %s", netem, edt);
}

/* The bridges of Open vSwitch, which attached nodes can be on; NULL if it does not run. */
static int describe_ovs(struct netsim_findings *all, struct netsim_err *err)
{
	struct ovs ovs = {0};
	int r = ovs_read(&ovs, err);

	if (r == 0 && !*ovs.why)
		all->ovs = ovs.bridge_count ? "" : "no bridges";
	for (size_t i = 0; r == 0 && i < ovs.bridge_count; i++) {
		all->ovs = arena_printf(all, "%s%s%s (%s datapath)", all->ovs, i ? ", " : "",
					ovs.bridges[i].name,
					ovs.bridges[i].userspace ? "userspace" : "kernel");
		r = all->ovs ? 0 : err_oom(err);
	}
	ovs_done(&ovs);
	return r;
}

static int examine(struct outcome *outcomes)
{
	struct trial_state patient = {0};
	struct netsim_err err = {0};
	int r = unshare(CLONE_NEWNET) < 0 ? -errno : rtnl_open(&patient.rt, &err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(trials); i++) {
		struct netsim_err why = {0};

		note(&outcomes[i], trials[i].attempt(&patient, &why), &why);
	}
	rtnl_close(patient.rt);
	return 0;
}

/* Runs the trials in a child, so that this process keeps its namespace. */
static int examine_apart(struct outcome *outcomes, struct netsim_err *err)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		_exit(-examine(outcomes)); /* an errno fits into an exit status */
	if (child < 0)
		return err_errno(err, -errno, NULL, "cannot start the trials");
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		return err_set(err, NETSIM_ERR_FAILED, -EINTR, NULL,
			       "the trials ended by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) == 0)
		return 0;
	err_errno(err, -WEXITSTATUS(status), NULL,
		  "cannot create a network namespace for the trials");
	if (err)
		err->kind = NETSIM_ERR_ENV;
	return -WEXITSTATUS(status);
}

static bool has_routed_fleet(void)
{
	struct state st;
	bool found;

	if (state_open(&st, NULL) < 0)
		return false;
	found = state_read_host(&st, NULL) == 0 && model_is_routed(st.host);
	state_close(&st);
	return found;
}

static int report(struct netsim_findings *all, const struct outcome *outcomes,
		  struct netsim_err *err)
{
	struct netsim_finding *bridges;
	struct utsname host;
	char filter[320];
	bool routed = has_routed_fleet();

	uname(&host);
	bridge_filter_describe(routed, filter, sizeof(filter));
	for (size_t i = 0; i < ARRAY_SIZE(trials); i++) {
		struct netsim_finding *finding = arena_push(all, all->list, all->count);

		if (!finding || !(finding->detail = arena_strdup(all, outcomes[i].detail)))
			return err_oom(err);
		finding->ok = outcomes[i].ok;
		finding->what = trials[i].what;
		finding->use = trials[i].use;
		finding->hint = lack_of(outcomes[i].code);
		if (finding->ok || !finding->hint)
			finding->hint = trials[i].hint;
		finding->optional = trials[i].optional;
		all->missing += !finding->ok && !finding->optional;
	}
	bridges = arena_push(all, all->list, all->count);
	if (!bridges || !(bridges->detail = arena_strdup(all, filter)))
		return err_oom(err);
	bridges->ok = !*filter;
	bridges->what = "no bridge filter";
	bridges->use = "packets between nodes";
	bridges->hint = routed ? ROUTED_FILTER_HINT : BRIDGE_FILTER_HINT;
	bridges->optional = true; /* packets may pass: not all rules are read */
	all->kernel = arena_printf(all, "%.32s %.48s", host.sysname, host.release);
	all->engines = describe_engines(all);
	return all->kernel && all->engines ? describe_ovs(all, err) : err_oom(err);
}

int netsim_doctor(struct netsim_findings **ret, struct netsim_err *err)
{
	size_t size = ARRAY_SIZE(trials) * sizeof(struct outcome);
	struct outcome *outcomes =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct netsim_findings *findings = arena_new(sizeof(*findings));
	int r = findings && outcomes != MAP_FAILED ? examine_apart(outcomes, err) : err_oom(err);

	if (r == 0)
		r = report(findings, outcomes, err);
	if (outcomes != MAP_FAILED)
		munmap(outcomes, size);
	if (r < 0)
		arena_free(findings);
	else
		*ret = findings;
	return r;
}

void netsim_findings_free(struct netsim_findings *findings)
{
	arena_free(findings);
}
