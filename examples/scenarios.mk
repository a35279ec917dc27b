# SPDX-License-Identifier: GPL-2.0-or-later
#
# Targets for scenarios; include this file, or use it alone: make -f scenarios.mk resilience
#
# `make resilience` runs all of them, as root, and `make resilience SCENARIOS=scenarios/cut.yaml` one.
# Evidence is not overwritten, so that each run gets a new folder.

NETSIM    ?= netsim
SCENARIOS ?= $(sort $(wildcard scenarios/*.yaml))
EVIDENCE  ?= evidence/$(shell date +%Y-%m-%d-%H%M%S)

resilience:
	mkdir -p $(EVIDENCE)
	$(NETSIM) run --out $(EVIDENCE)/runs --junit $(EVIDENCE)/junit.xml $(SCENARIOS)

# Mistakes in the files are found without root, and before a long run.
check-scenarios:
	$(NETSIM) check $(SCENARIOS)

.PHONY: resilience check-scenarios
