// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads, checks and prints class files. */
#include "netsim/config/classes.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/bind.h"
#include "netsim/config/find.h"
#include "netsim/util/array.h"
#include "netsim/util/name.h"
#include "netsim/util/quote.h"

#define VLAN_MAX 4094

/* A class as the file gives it. */
struct raw_class {
	struct class class;
	struct duration gap;
	bool has_vlan;
};

static const struct {
	const char *word;
	uint16_t ethertype;
} ethertypes[] = {{"ipv4", 0x0800}, {"arp", 0x0806}, {"ipv6", 0x86dd}, {"lldp", 0x88cc}};

static bool add_match(struct bind *b, const struct netsim_loc *at, struct class *class,
		      const struct class_match *match)
{
	struct class_match *slot;

	if (class->match_count == CLASS_MATCHES_MAX)
		return bind_refuse(b, at, NULL, "a class has at most %d ports and protocols",
				   CLASS_MATCHES_MAX);
	slot = array_push(class->matches, class->match_count);
	if (!slot)
		return bind_oom(b);
	*slot = *match;
	return true;
}

/* "2380" or "9500-9503". */
static bool read_range(struct bind *b, const struct field *field, const struct doc_node *node,
		       struct port_range *ret)
{
	const char *text = bind_string(b, field->name, node), *dash;
	uint64_t first, last;
	char low[24] = "";

	if (!text)
		return false;
	dash = strchr(text, '-');
	if (dash && (size_t)(dash - text) < sizeof(low))
		memcpy(low, text, (size_t)(dash - text));
	if (unit_parse_count(dash ? low : text, 1, UINT16_MAX, &first) < 0 ||
	    unit_parse_count(dash ? dash + 1 : text, 1, UINT16_MAX, &last) < 0)
		return bind_refuse(b, &node->at, "write a port from 1 to 65535, or \"9500-9503\"",
				   "%s: \"%s\" is not a port", field->name, shown(text));
	if (first > last)
		return bind_refuse(b, &node->at, hint_f("write \"%s-%s\"", dash + 1, low),
				   "%s: the range \"%s\" runs backwards", field->name, shown(text));
	*ret = (struct port_range) {(uint16_t)first, (uint16_t)last};
	return true;
}

static bool bind_port(struct bind *b, const struct field *field, const struct doc_node *node,
		      void *ret)
{
	struct port_range range;

	return read_range(b, field, node, &range) &&
	       add_match(b, &node->at, ret,
			 &(struct class_match) {
				 .protocol = (uint8_t)field->max,
				 .port_first = range.first,
				 .port_last = range.last,
			 });
}

/* A port of one end. */
static bool bind_end_port(struct bind *b, const struct field *field, const struct doc_node *node,
			  void *ret)
{
	struct port_list *ports = ret;
	struct port_range range, *slot;

	if (!read_range(b, field, node, &range))
		return false;
	if (ports->count == CLASS_MATCHES_MAX)
		return bind_refuse(b, &node->at, NULL, "%s: a class has at most %d ports",
				   field->name, CLASS_MATCHES_MAX);
	slot = array_push(ports->list, ports->count);
	if (!slot)
		return bind_oom(b);
	*slot = range;
	return true;
}

static bool bind_ports(struct bind *b, const struct field *field, const struct doc_node *node,
		       void *ret)
{
	if (node->kind == DOC_LIST && !node->count)
		return bind_refuse(b, &node->at, "write a port, or a list of ports",
				   "%s: the list is empty", field->name);
	return bind_each(b, field, node, field->max ? bind_port : bind_end_port, ret);
}

static bool bind_address(struct bind *b, const struct field *field, const struct doc_node *node,
			 void *ret)
{
	const char *text = bind_string(b, field->name, node), *why = NULL;
	struct class *class = ret;
	struct ip ip, subnet, *slot;
	char shorter[UNIT_TEXT];
	int r;

	if (!text)
		return false;
	r = strchr(text, '/') ? unit_parse_prefix(text, &ip, &why) :
				unit_parse_address(text, &ip, &why);
	if (r < 0)
		return bind_refuse(b, &node->at, "write an address or a prefix: 203.0.113.0/24",
				   "%s: \"%s\" is not one: %s", field->name, shown(text), why);
	subnet = ip_subnet(&ip);
	if (!ip_equal(&ip, &subnet))
		return bind_refuse(
			b, &node->at, hint_f("write %s", unit_format_ip(&subnet, shorter)),
			"%s: \"%s\" has bits after its prefix", field->name, shown(text));
	if (class->address_count == CLASS_MATCHES_MAX)
		return bind_refuse(b, &node->at, NULL, "%s: a class has at most %d addresses",
				   field->name, CLASS_MATCHES_MAX);
	slot = array_push(class->addresses, class->address_count);
	if (!slot)
		return bind_oom(b);
	*slot = ip;
	return true;
}

static bool bind_addresses(struct bind *b, const struct field *field, const struct doc_node *node,
			   void *ret)
{
	if (node->kind == DOC_LIST && !node->count)
		return bind_refuse(b, &node->at, "write an address, or a list of addresses",
				   "%s: the list is empty", field->name);
	return bind_each(b, field, node, bind_address, ret);
}

static bool bind_protocol(struct bind *b, const struct field *field, const struct doc_node *node,
			  void *ret)
{
	const char *text = bind_string(b, field->name, node);
	uint64_t value;

	if (!text)
		return false;
	if (unit_parse_count(text, 1, 255, &value) < 0)
		return bind_refuse(b, &node->at, "/etc/protocols has the numbers: icmp is 1",
				   "protocol: \"%s\" is not a number from 1 to 255", shown(text));
	return add_match(b, &node->at, ret, &(struct class_match) {.protocol = (uint8_t)value});
}

static bool bind_protocols(struct bind *b, const struct field *field, const struct doc_node *node,
			   void *ret)
{
	if (node->kind == DOC_LIST && !node->count)
		return bind_refuse(b, &node->at, "write a number, or a list of numbers",
				   "protocol: the list is empty");
	return bind_each(b, field, node, bind_protocol, ret);
}

static bool parse_ethertype(const char *text, uint16_t *ret)
{
	char *end;

	for (size_t i = 0; i < ARRAY_SIZE(ethertypes); i++)
		if (strcmp(ethertypes[i].word, text) == 0) {
			*ret = ethertypes[i].ethertype;
			return true;
		}
	if (strncmp(text, "0x", 2) != 0 || strlen(text) != 6 ||
	    text[2 + strspn(text + 2, "0123456789abcdefABCDEF")])
		return false;
	*ret = (uint16_t)strtoul(text, &end, 16);
	return *ret >= 0x600; /* smaller values are 802.3 lengths */
}

static bool bind_ethertype(struct bind *b, const struct field *field, const struct doc_node *node,
			   void *ret)
{
	const char *text = bind_string(b, field->name, node);
	uint16_t ethertype;

	if (!text)
		return false;
	if (!parse_ethertype(text, &ethertype))
		return bind_refuse(b, &node->at,
				   "write arp, ipv4, ipv6, lldp, or a number like 0x88cc",
				   "ethertype: \"%s\" is not valid", shown(text));
	if (ethertype == 0x8100 || ethertype == 0x88a8)
		return bind_refuse(b, &node->at,
				   "classes match what follows the tag; match its id with \"vlan\"",
				   "ethertype: \"%s\" is the type of a VLAN tag", shown(text));
	return add_match(b, &node->at, ret, &(struct class_match) {.ethertype = ethertype});
}

/* For keys whose values are appended to the matches. */
#define MATCHES(key, fn) FIELD(struct raw_class, class, key, fn)
#define CONDITION(key)                                                                     \
	{                                                                                  \
		.name = (key), .mistake = "conditions belong to a profile, which has the " \
					  "key \"profile\" beside \"classes\""             \
	}

static const struct field class_rows[] = {
	{MATCHES("tcp", bind_ports), .max = IPPROTO_TCP},
	{MATCHES("udp", bind_ports), .max = IPPROTO_UDP},
	{MATCHES("protocol", bind_protocols)},
	{MATCHES("ethertype", bind_ethertype)},
	{FIELD(struct raw_class, class.vlan, "vlan", bind_count),
	 FIELD_HAS(struct raw_class, has_vlan), .min = 1, .max = VLAN_MAX},
	{FIELD(struct raw_class, class, "address", bind_addresses)},
	{FIELD(struct raw_class, class.from, "from-port", bind_ports)},
	{FIELD(struct raw_class, class.to, "to-port", bind_ports)},
	{FIELD(struct raw_class, gap, "gap", bind_duration), .unit = "ms", .nonzero = true},
	{.name = "port", .mistake = "write \"tcp\" or \"udp\", or \"to-port\""},
	{.name = "ports", .mistake = "write \"tcp\" or \"udp\", or \"to-port\""},
	{.name = "addresses", .mistake = "write \"address\""},
	CONDITION("rate"),
	CONDITION("delay"),
	CONDITION("rtt"),
	CONDITION("jitter"),
	CONDITION("loss"),
	{0},
};

struct raw_set {
	const struct doc_node *classes;
};

static const struct field set_rows[] = {
	{FIELD(struct raw_set, classes, "classes", bind_node), .required = true, .nullable = true,
	 .below = class_rows},
	{0},
};

bool classes_is_file(const struct doc_node *doc)
{
	const struct doc_node *map = doc_get(doc, "classes");

	if (!map || doc->count != 1)
		return false;
	for (size_t i = 0; map->kind == DOC_MAP && i < map->count; i++)
		for (const struct field *row = class_rows; row->name; row++)
			if (!row->mistake && doc_get(map->entries[i].value, row->name))
				return true;
	return map->kind != DOC_MAP || !map->count;
}

static bool check_name(struct bind *b, const struct doc_entry *entry)
{
	const char *name = entry->key;
	size_t len = strlen(name);

	if (strcmp(name, CLASS_OTHER) == 0)
		return bind_refuse(b, &entry->at, "it is the traffic that matches no class",
				   "\"" CLASS_OTHER "\" is not valid as the name of a class");
	return (len && len <= CLASS_NAME_MAX && name[0] != '-' &&
		name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0') ||
	       bind_refuse(
		       b, &entry->at,
		       hint_f("use up to %d characters: a to z, 0 to 9 and '-'", CLASS_NAME_MAX),
		       "\"%s\" is not valid as the name of a class", shown(name));
}

static bool read_class(struct bind *b, const struct doc_entry *entry, struct class *ret)
{
	struct scope scope = {.what = "a class", .at = &entry->at};
	struct raw_class raw = {0};
	bool good = bind_map(b, class_rows, entry->value, &scope, &raw);

	*ret = raw.class;
	ret->at = entry->at;
	ret->gap_ns = raw.gap.ns;
	ret->name = strdup(entry->key);
	if (!ret->name)
		return bind_oom(b);
	good &= check_name(b, entry);
	return good && (ret->match_count || raw.has_vlan || ret->address_count || ret->from.count ||
			ret->to.count ||
			bind_refuse(b, &entry->at,
				    "give tcp, udp, protocol, ethertype, vlan, address, from-port "
				    "or to-port",
				    "the class \"%s\" matches nothing", entry->key));
}

bool class_ip_covers(const struct ip *a, const struct ip *b)
{
	return a->plen <= b->plen && ip_in_prefix(b, a);
}

static bool covers(const struct class_match *a, const struct class_match *b)
{
	bool same_kind = a->ethertype == b->ethertype ||
			 (!a->ethertype && (b->ethertype == 0x0800 || b->ethertype == 0x86dd));

	return same_kind && (!a->protocol || a->protocol == b->protocol) &&
	       (!a->port_first ||
		(b->port_first && a->port_first <= b->port_first && a->port_last >= b->port_last));
}

/* Whether each port of b is in a range of a. */
static bool covers_ports(const struct port_list *a, const struct port_list *b)
{
	for (size_t i = 0; i < b->count; i++) {
		size_t k = 0;

		while (k < a->count &&
		       (b->list[i].first < a->list[k].first || b->list[i].last > a->list[k].last))
			k++;
		if (k == a->count)
			return !a->count;
	}
	return !a->count || b->count;
}

/* Whether each prefix of b is in one of a. */
static bool covers_addresses(const struct class *a, const struct class *b)
{
	for (size_t i = 0; a->address_count && i < b->address_count; i++) {
		size_t k = 0;

		while (k < a->address_count && !class_ip_covers(&a->addresses[k], &b->addresses[i]))
			k++;
		if (k == a->address_count)
			return false;
	}
	return !a->address_count || b->address_count;
}

static bool takes_all(const struct class *a, const struct class *b)
{
	if ((a->vlan && a->vlan != b->vlan) || !covers_addresses(a, b) ||
	    !covers_ports(&a->from, &b->from) || !covers_ports(&a->to, &b->to))
		return false;
	if (!a->match_count || !b->match_count)
		return !a->match_count;
	for (size_t i = 0; i < b->match_count; i++) {
		size_t j = 0;

		while (j < a->match_count && !covers(&a->matches[j], &b->matches[i]))
			j++;
		if (j == a->match_count)
			return false;
	}
	return true;
}

/* Warns of classes that can never match, because an earlier one takes all their traffic. */
static void warn_order(const struct class_set *set, struct netsim_diags *diags)
{
	for (size_t i = 1; i < set->count; i++)
		for (size_t j = 0; j < i; j++)
			if (takes_all(&set->list[j], &set->list[i])) {
				diag_warn(diags, &set->list[i].at,
					  "the class \"%s\" never matches: \"%s\" before it takes "
					  "all its traffic",
					  set->list[i].name, set->list[j].name);
				break;
			}
}

static bool read_set(struct bind *b, const struct doc_node *doc, struct class_set *set)
{
	struct scope scope = {.what = "a class file", .at = &doc->at};
	struct raw_set raw = {0};
	bool good = bind_map(b, set_rows, doc, &scope, &raw);
	const struct doc_node *map = raw.classes;

	if (map && map->kind != DOC_MAP && !doc_is_null(map))
		return bind_refuse(b, &map->at, NULL, "classes: must be a mapping, not %s",
				   doc_kind_name(map));
	for (size_t i = 0; map && i < map->count; i++) {
		struct class *class;

		if (i == CLASSES_MAX)
			return bind_refuse(b, &map->entries[i].at, NULL, "more than %d classes",
					   CLASSES_MAX);
		class = array_push(set->list, set->count);
		if (!class)
			return bind_oom(b);
		good &= read_class(b, &map->entries[i], class);
	}
	return good;
}

void classes_free(struct class_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->count; i++) {
		free(set->list[i].name);
		free(set->list[i].matches);
		free(set->list[i].addresses);
		free(set->list[i].from.list);
		free(set->list[i].to.list);
	}
	free(set->list);
	free(set->file);
	free(set);
}

int classes_parse(const char *file, const char *data, size_t len, struct class_set **ret,
		  struct netsim_diags *diags)
{
	struct class_set *set = calloc(1, sizeof(*set));
	auto_doc struct doc_node *doc = NULL;
	auto_bind struct bind b = {.diags = diags};
	bool good = false;

	if (set)
		set->file = strdup(file);
	if (!set || !set->file)
		bind_oom(&b);
	else if (doc_parse(set->file, data, len, &doc, diags) == 0)
		good = read_set(&b, doc, set);
	if (good) {
		warn_order(set, diags);
		*ret = take(set);
	}
	diags_sort(diags);
	classes_free(set);
	return good ? 0 : -EINVAL;
}

int classes_load(const char *path, struct class_set **ret, struct netsim_diags *diags)
{
	auto_free char *data = NULL;
	size_t len;

	if (doc_read(path, &data, &len, diags) < 0)
		return -EINVAL;
	return classes_parse(path, data, len, ret, diags);
}

bool class_matches_name(const char *class, const char *name)
{
	size_t length = strlen(name);

	return strncmp(class, name, length) == 0 && (!class[length] || class[length] == '-');
}

const char *classes_nearest(const struct class_set *set, const char *name)
{
	const char *names[CLASSES_MAX];

	for (size_t i = 0; i < set->count; i++)
		names[i] = set->list[i].name;
	return name_nearest(name, names, set->count);
}

static void print_port(uint16_t first, uint16_t last, FILE *out)
{
	fprintf(out, "%" PRIu16, first);
	if (last != first)
		fprintf(out, "-%" PRIu16, last);
}

/* Begins "key: value" or "key: [value". */
static void begin_list(const char *key, size_t count, bool *first, FILE *out)
{
	fprintf(out, "%s%s: %s", *first ? "" : ", ", key, count > 1 ? "[" : "");
	*first = false;
}

static void print_end_ports(const struct port_list *ports, const char *key, bool *first, FILE *out)
{
	if (!ports->count)
		return;
	begin_list(key, ports->count, first, out);
	for (size_t i = 0; i < ports->count; i++) {
		fputs(i ? ", " : "", out);
		print_port(ports->list[i].first, ports->list[i].last, out);
	}
	fputs(ports->count > 1 ? "]" : "", out);
}

/* Quoted where YAML would read the colons of IPv6 as something else. */
static void print_addresses(const struct class *class, bool *first, FILE *out)
{
	char text[UNIT_TEXT];

	if (!class->address_count)
		return;
	begin_list("address", class->address_count, first, out);
	for (size_t i = 0; i < class->address_count; i++) {
		fputs(i ? ", " : "", out);
		quote_print(unit_format_ip(&class->addresses[i], text), out);
	}
	fputs(class->address_count > 1 ? "]" : "", out);
}

/* protocol 0 selects matches by protocol number, without ports. */
static bool is_listed(const struct class_match *match, uint8_t protocol)
{
	if (protocol)
		return match->port_first && match->protocol == protocol;
	return match->protocol && !match->port_first;
}

/* Prints one key with its values: "tcp: 2379", "tcp: [2379, 2380]". */
static void print_list(const struct class *class, const char *key, uint8_t protocol, bool *first,
		       FILE *out)
{
	size_t count = 0, done = 0;

	for (size_t i = 0; i < class->match_count; i++)
		count += is_listed(&class->matches[i], protocol);
	if (!count)
		return;
	begin_list(key, count, first, out);
	for (size_t i = 0; i < class->match_count; i++) {
		const struct class_match *match = &class->matches[i];

		if (!is_listed(match, protocol))
			continue;
		fputs(done++ ? ", " : "", out);
		if (protocol)
			print_port(match->port_first, match->port_last, out);
		else
			fprintf(out, "%" PRIu8, match->protocol);
	}
	fputs(count > 1 ? "]" : "", out);
}

static void print_ethertype(uint16_t ethertype, FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(ethertypes); i++)
		if (ethertypes[i].ethertype == ethertype) {
			fputs(ethertypes[i].word, out);
			return;
		}
	fprintf(out, "0x%04" PRIx16, ethertype);
}

void class_print(const struct class *class, FILE *out)
{
	char text[UNIT_TEXT];
	bool first = true;

	print_list(class, "tcp", IPPROTO_TCP, &first, out);
	print_list(class, "udp", IPPROTO_UDP, &first, out);
	print_list(class, "protocol", 0, &first, out);
	for (size_t i = 0; i < class->match_count; i++)
		if (class->matches[i].ethertype) {
			fprintf(out, "%sethertype: ", first ? "" : ", ");
			print_ethertype(class->matches[i].ethertype, out);
			first = false;
		}
	if (class->vlan) {
		fprintf(out, "%svlan: %" PRIu16, first ? "" : ", ", class->vlan);
		first = false;
	}
	print_addresses(class, &first, out);
	print_end_ports(&class->from, "from-port", &first, out);
	print_end_ports(&class->to, "to-port", &first, out);
	if (class->gap_ns)
		fprintf(out, "%sgap: %s", first ? "" : ", ",
			unit_format_duration((struct duration) {class->gap_ns}, text));
}

int classes_print(const struct class_set *set, FILE *out)
{
	fputs(set->count ? "classes:\n" : "classes: {}\n", out);
	for (size_t i = 0; i < set->count; i++) {
		fputs("  ", out);
		quote_print(set->list[i].name, out);
		fputs(": {", out);
		class_print(&set->list[i], out);
		fputs("}\n", out);
	}
	return ferror(out) ? -EIO : 0;
}

int classes_open(const char *file, struct class_set **ret, struct netsim_diags *diags,
		 struct netsim_err *err)
{
	char path[FIND_PATH];

	if (file)
		return classes_load(file, ret, diags);
	if (find_named("profiles", "classes", path) == 0)
		return classes_load(path, ret, diags);
	err_set(err, NETSIM_ERR_ENV, -ENOENT, NULL, "there is no class file");
	err_hint(err, "looked for profiles/classes.yaml here, in /etc/netsim and in " NETSIM_DATADIR
		      "; name one with --classes");
	return -ENOENT;
}
