# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim: `make demo` sets up and shows the main job, `make test` proves it,
# `make help` lists the rest. Everything that is built lies below build/.

VARIANT ?= release
B       := build/$(VARIANT)
Q       := $(if $(V),,@)

PREFIX  ?= /usr/local
BINDIR  ?= $(PREFIX)/bin
LIBDIR  ?= $(PREFIX)/lib
INCDIR  ?= $(PREFIX)/include
DATADIR ?= $(PREFIX)/share
MANDIR  ?= $(DATADIR)/man
COMPDIR ?= $(DATADIR)/bash-completion/completions

VERSION := 0.1.0
PKGS    := libnl-3.0 libnl-route-3.0 libmnl libbpf yaml-0.1 jansson
CLANG   ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/local/sbin/bpftool) bpftool)

CFLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong
CFLAGS_debug   := -O0 -g
CFLAGS_san     := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
CFLAGS_fuzz    := $(CFLAGS_san)
ifeq ($(VARIANT),fuzz)
CC             := $(CLANG)
endif
LDFLAGS_release := -pie -Wl,-z,relro,-z,now
LDFLAGS_san     := -fsanitize=address,undefined
LDFLAGS_fuzz    := $(LDFLAGS_san)

STD  := -std=c17 -D_GNU_SOURCE
WARN := -Wall -Wextra -Wpedantic -Wconversion -Wno-sign-conversion -Wshadow -Wstrict-prototypes \
        -Wmissing-prototypes -Wvla -Wwrite-strings -Wundef -Wpointer-arith -Wno-missing-field-initializers -Werror
ALL_CPPFLAGS = $(CPPFLAGS) -I. -isystem $(B)/gen -MMD -MP \
        -DNETSIM_VERSION='"$(VERSION)"' -DNETSIM_DATADIR='"$(DATADIR)/netsim"'
ALL_CFLAGS   = $(STD) $(WARN) $(CFLAGS_$(VARIANT)) -fPIC -fvisibility=hidden $(PKG_CFLAGS) $(CFLAGS)
ALL_LDFLAGS  = $(LDFLAGS_$(VARIANT)) $(LDFLAGS)
PKG_CFLAGS  := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(PKGS) 2>/dev/null))
PKG_LIBS    := $(shell pkg-config --libs $(PKGS) 2>/dev/null)

# The library, bottom layer first.
LIB_SRCS := \
        netsim/err.c \
        netsim/unit.c \
        netsim/buf.c \
        netsim/name.c \
        netsim/doc.c \
        netsim/bind.c \
        netsim/quote.c \
        netsim/topo_iface.c \
        netsim/topo_node.c \
        netsim/topo_check.c \
        netsim/topo_print.c \
        netsim/topo.c \
        netsim/conditions.c \
        netsim/profile_print.c \
        netsim/profile.c \
        netsim/dist.c \
        netsim/check.c \
        netsim/shape.c \
        netsim/rt.c \
        netsim/mark.c \
        netsim/model.c \
        netsim/module.c \
        netsim/netns.c \
        netsim/link.c \
        netsim/link_list.c \
        netsim/addr.c \
        netsim/route.c \
        netsim/tap.c \
        netsim/offload.c \
        netsim/qdisc.c \
        netsim/qdisc_netem.c \
        netsim/qdisc_tbf.c \
        netsim/filter.c \
        netsim/state.c \
        netsim/policy.c \
        netsim/policy_load.c \
        netsim/policy_change.c \
        netsim/policy_text.c \
        netsim/layout.c \
        netsim/plan.c \
        netsim/plan_text.c \
        netsim/exec.c \
        netsim/apply.c \
        netsim/target.c \
        netsim/lock.c \
        netsim/doctor.c \
        netsim/api.c \
        netsim/api_shape.c \
        netsim/api_cut.c \
        netsim/api_status.c
LIB_OBJS := $(LIB_SRCS:%.c=$(B)/%.o)

# The command, one file a verb.
CLI_SRCS := \
        cli/main.c \
        cli/opt.c \
        cli/out.c \
        cli/shaped.c \
        cli/cmd_apply.c \
        cli/cmd_check.c \
        cli/cmd_clear.c \
        cli/cmd_doctor.c \
        cli/cmd_down.c \
        cli/cmd_exec.c \
        cli/cmd_heal.c \
        cli/cmd_help.c \
        cli/cmd_partition.c \
        cli/cmd_plan.c \
        cli/cmd_status.c \
        cli/cmd_up.c
CLI_OBJS := $(CLI_SRCS:%.c=$(B)/%.o)

all: $(B)/bin/netsim


$(B)/libnetsim.a: $(LIB_OBJS)
	@echo "  AR      $@"
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/bin/netsim: $(CLI_OBJS) $(B)/libnetsim.a
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) -lm

$(B)/%.o: %.c
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

$(B)/netsim/policy_load.o: $(B)/gen/port.skel.h

# Unit tests: one program for each tests/unit/test_*.c.
UNIT_TESTS := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(wildcard tests/unit/test_*.c))

$(B)/tests/unit/%: $(B)/tests/unit/%.o $(B)/libnetsim.a
	@echo "  LD      $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) -lcmocka -lm

unit-tests: $(UNIT_TESTS)

clean:
	rm -rf build

.PHONY: all clean unit-tests
.DELETE_ON_ERROR:
.SECONDARY:
-include $(LIB_OBJS:.o=.d) $(CLI_OBJS:.o=.d)
