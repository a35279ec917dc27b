/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The eBPF maps of a fleet: they hold the whole policy in force. */
#ifndef NETSIM_BPF_MAPS_H
#define NETSIM_BPF_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "port.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct port_control);
} ns_control SEC(".maps");

/* Policy 0's nodes, then policy 1's. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2 * PORT_NODES);
	__type(key, __u32);
	__type(value, struct port_node);
} ns_nodes SEC(".maps");

/*
 * A port's ifindex -> link number. Also the host's other interfaces, except taps that no node has,
 * with the number of the host: what the host routes from there counts as sent by the host.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PORT_LINKS);
	__type(key, __u32);
	__type(value, __u32);
} ns_ports SEC(".maps");

/*
 * Addresses at Open vSwitch -> link numbers: of guests on its userspace datapath, and of the
 * host, which also sends from the addresses of the ports.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * PORT_LINKS);
	__type(key, struct port_mac);
	__type(value, __u32);
} ns_ovs_macs SEC(".maps");

/* On a machine that is a node itself: the nodes that have a MAC address, or an IP address. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PORT_PEERS);
	__type(key, struct port_mac);
	__type(value, struct port_peer);
} ns_macs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PORT_PEERS);
	__type(key, struct port_address);
	__type(value, struct port_peer);
} ns_addresses SEC(".maps");

/*
 * MAC addresses -> the nodes that have them, for partitions that reject: they answer only what is
 * for the node at a port, not the copies that a bridge sends to all.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PORT_HOMES);
	__type(key, struct port_mac);
	__type(value, __u16);
} ns_homes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PORT_LINKS);
	__type(key, __u32);
	__type(value, struct port_link);
} ns_links SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PORT_CONDITIONS);
	__type(key, struct port_key);
	__type(value, struct port_conditions);
} ns_conditions SEC(".maps");

/* Conditions merged with those of faults, in layers. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PORT_OVERLAYS);
	__type(key, struct port_key);
	__type(value, struct port_conditions);
} ns_overlays SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PORT_STATES);
	__type(key, struct port_key);
	__type(value, struct port_state);
} ns_states SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PORT_TRAFFIC);
	__type(key, struct port_key);
	__type(value, struct port_traffic);
} ns_traffic SEC(".maps");

/* Tickets -> parked packets. When it is full, further packets are dropped. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PORT_PARKED);
	__type(key, __u32);
	__type(value, struct port_parked);
} ns_parked SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PORT_PARK_FLOWS);
	__type(key, struct port_park_key);
	__type(value, struct port_park_flow);
} ns_park_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct port_park);
} ns_park SEC(".maps");

struct port_table {
	__s16 value[PORT_TABLE_ENTRIES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PORT_TABLES);
	__type(key, __u32);
	__type(value, struct port_table);
} ns_tables SEC(".maps");

/* Generation 0's rows, then generation 1's. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2 * PORT_TRACE_ROWS);
	__type(key, __u32);
	__type(value, struct port_trace_row);
} ns_traces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2 * 65536);
	__type(key, __u32);
	__type(value, struct port_class_port);
} ns_class_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct port_class_rules);
} ns_class_rules SEC(".maps");

/* Prefixes -> the classes that match them, and those that match a shorter prefix. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PORT_CLASS_ADDRESSES);
	__type(key, struct port_class_address);
	__type(value, __u64);
} ns_class_addrs SEC(".maps");

#endif
