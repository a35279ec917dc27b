#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs scenarios, and tells what a failed run means: scenarios.sh DIR SCENARIO... (as root)
#
# DIR gets the evidence, and DIR/junit.xml a test suite for each scenario.

out=$1
shift
mkdir -p "$out" || exit
netsim run --out "$out/runs" --junit "$out/junit.xml" "$@"
status=$?

case $status in
0) echo "every expectation holds" ;;
1) echo "an expectation does not hold: see $out/runs" ;;
6) echo "something could not be proved, which is no success" ;;
*) echo "not all scenarios could be run" ;;
esac
exit "$status"
