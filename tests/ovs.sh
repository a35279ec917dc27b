# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Open vSwitch for the kernel tests (bash), without its init scripts: source it after lib.sh. Its
# daemons use their default folder, which is in the test's own /run.

OVS_UNPACKED=$TESTS/../build/unpacked
OVS_RUN=/run/openvswitch
OVS_WORDS=("PATH=$OVS_RUN/bin:$PATH" "LD_LIBRARY_PATH=$OVS_RUN/lib" "OVS_RUNDIR=$OVS_RUN" "OVS_LOGDIR=$OVS_RUN")

# ovs PROGRAM ARGUMENT...: with the unpacked libraries, which other programs do not get
ovs() {
	env "${OVS_WORDS[@]}" "$@"
}

vsctl() {
	ovs ovs-vsctl --timeout=60 "$@"
}

# ovs_start: starts both daemons
ovs_start() {
	local package
	mkdir -p "$OVS_RUN/bin" "$OVS_RUN/lib"
	cp "$OVS_UNPACKED"/openvswitch-*/usr/bin/ovs{-vsctl,-appctl,-dpctl,db-tool} \
		"$OVS_UNPACKED"/openvswitch-*/usr/sbin/ovsdb-server \
		"$OVS_UNPACKED"/openvswitch-*/usr/lib/openvswitch-switch/ovs-vswitchd "$OVS_RUN/bin" 2>/dev/null
	for package in libunbound8 libxdp1 libnuma1 libevent-2.1-7; do
		cp "$OVS_UNPACKED/$package/usr/lib/$(uname -m)-linux-gnu"/*.so.* "$OVS_RUN/lib"
	done
	ovs ovsdb-tool create "$OVS_RUN/conf.db" "$OVS_UNPACKED/openvswitch-switch/usr/share/openvswitch/vswitch.ovsschema"
	ovsdb_start
	vsctl --no-wait init
	vswitchd_start
}

# ovsdb_start: its process is in $OVSDB. It opens files in /tmp and unlinks them, which 9p does not
# allow.
ovsdb_start() {
	# shellcheck disable=SC2016 # for the inner shell
	bg env "${OVS_WORDS[@]}" unshare -m sh -c 'mount -t tmpfs tmp /tmp && exec "$@"' sh \
		ovsdb-server "$OVS_RUN/conf.db" "--remote=punix:$OVS_RUN/db.sock" "--unixctl=$OVS_RUN/ovsdb.ctl"
	# shellcheck disable=SC2034 # for the test
	OVSDB=$BG
	wait_for 20 ovs ovs-appctl -t "$OVS_RUN/ovsdb.ctl" version
}

# vswitchd_start: its process is in $VSWITCHD. In the first ten seconds of a machine, ovs-vswitchd 3.1
# counts no processors, and starts no thread that handles packets.
vswitchd_start() {
	wait_for 10 runs_for_ten_seconds
	bg env "${OVS_WORDS[@]}" ovs-vswitchd "unix:$OVS_RUN/db.sock" "--unixctl=$OVS_RUN/vswitchd.ctl"
	VSWITCHD=$BG
	wait_for 20 ovs ovs-appctl -t "$OVS_RUN/vswitchd.ctl" version
}

runs_for_ten_seconds() {
	local seconds
	read -r seconds _ </proc/uptime
	[[ ${seconds%.*} -gt 10 ]]
}

# vswitchd_again exit|kill: ends it, and starts it again
vswitchd_again() {
	if [[ $1 == exit ]]; then
		ovs ovs-appctl -t "$OVS_RUN/vswitchd.ctl" exit
	else
		kill -KILL "$VSWITCHD"
	fi
	wait "$VSWITCHD"
	vswitchd_start
}

# ovs_stop: ends both, and removes their folder
ovs_stop() {
	bg_end "$VSWITCHD"
	bg_end "$OVSDB"
	rm -r "$OVS_RUN"
}
