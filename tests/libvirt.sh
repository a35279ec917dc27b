# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# libvirtd from build/unpacked, for tests: source it after lib.sh. The unpacked files are laid over
# those of this mount namespace; the daemon needs neither systemd nor dbus.

# over FOLDER LOWER...: lays folders over /FOLDER
over() {
	local folder=$1 lower
	shift
	lower=$(IFS=:; echo "$*")
	mkdir -p "/run/over/$folder.upper" "/run/over/$folder.work"
	mount -t overlay overlay -o "lowerdir=${lower:+$lower:}/$folder,upperdir=/run/over/$folder.upper,workdir=/run/over/$folder.work" "/$folder"
}

# libvirt_install: makes libvirt's programs and libraries available
libvirt_install() {
	local unpacked
	unpacked=$(realpath "$TESTS/../build/unpacked")
	# shellcheck disable=SC2046 # one word for each folder
	over usr $(echo "$unpacked"/lib*/usr)
	over etc
	mkdir -p /etc/libvirt
	mount -t tmpfs var /var
	mkdir -p /var/lib/libvirt /var/log/libvirt /var/cache/libvirt /var/tmp
	ln -s /run /var/run
	# If it cannot run dmidecode, libvirtd translates a message between fork() and exec(), and may
	# wait for ever for a lock that another thread held.
	[[ -e /usr/sbin/dmidecode ]] || ln -s /bin/false /usr/sbin/dmidecode
	echo libvirt-qemu:x:64055:64055::/:/bin/false >>/etc/passwd
	echo libvirt-qemu:x:64055: >>/etc/group
	printf '%s\n' 'user = "root"' 'group = "root"' 'security_driver = "none"' 'remember_owner = 0' \
		'namespaces = []' 'cgroup_controllers = []' >/etc/libvirt/qemu.conf
}

libvirt_start() {
	[[ -e /run/virtlogd.pid ]] || virtlogd -d
	libvirtd -d && wait_for 30 virsh -q list
}

libvirt_stop() {
	local pid
	pid=$(</run/libvirtd.pid)
	kill "$pid"
	wait_for 10 not kill -0 "$pid"
}

# domain NAME MAC SOURCE [KERNEL-ARGUMENTS [XML]]: defines a domain with one interface; SOURCE is
# bridge='br0' or network='default', XML is for the interface. Without the files of guest.sh, it can
# only be started paused.
domain() {
	local boot=
	[[ ! -e $WORK/initrd ]] ||
		boot="<kernel>$WORK/vmlinux</kernel><initrd>$WORK/initrd</initrd>
		<cmdline>console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on net.ifnames=0 ${4:-}</cmdline>"
	cat >"$WORK/$1.xml" <<-EOT
		<domain type='qemu'><name>$1</name><memory unit='MiB'>96</memory>
		<os><type arch='x86_64' machine='q35'>hvm</type>$boot</os>
		<cpu mode='maximum'/>
		<devices><interface type='${3%%=*}'><source $3/><mac address='$2'/><model type='virtio'/>${5:-}</interface>
		<serial type='file'><source path='$WORK/serial.$1'/></serial><memballoon model='none'/></devices></domain>
	EOT
	virsh -q undefine "$1" 2>/dev/null
	virsh -q define "$WORK/$1.xml"
}

# tap_of DOMAIN: the tap of its interface
tap_of() {
	virsh -q domiflist "$1" | awk '{ print $1 }'
}
