# needs: native
# limit: 120
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim check -v --json: what -v prints as YAML, as an independent reader of YAML has it.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# differing FILE...: those whose document in JSON is not what the YAML says, and how many agree
differing() {
	local file
	local -i agree=0
	for file; do
		"$NETSIM" check -v "$file" 2>/dev/null >"$WORK/form.yaml" || continue
		"$NETSIM" check -v --json "$file" 2>/dev/null | gojq '.files[0].document' >"$WORK/document"
		if gojq --yaml-input 'walk(if type == "number" and . > 9223372036854775807 then tostring else . end)' \
			"$WORK/form.yaml" | cmp -s - "$WORK/document"; then
			agree+=1
		else
			echo "$file differs"
		fi
	done
	((agree >= $# / 2)) || echo "only $agree of $# agree"
}

documents() {
	local here=$PWD
	cd "$(dirname "$0")/../.." || return
	is "shipped files" "$(differing topo/*.yaml profiles/*.yaml scenarios/*.yaml scenarios/recipes/*.yaml)" ""
	is "files of the golden tests" "$(differing tests/golden/{topo,profile,classes,scenario,recipe}/*.{yaml,json})" ""
	run "$NETSIM" check -v --json topo/simple.yaml profiles/lossy.yaml profiles/classes.yaml \
		scenarios/leader-cut.yaml scenarios/recipes/*.yaml
	is "kinds" "$(gojq -r '[.files[].kind] | unique | join(" ")' <<<"$OUT")" "classes profile recipe scenario topology"
	is "paths" "$(gojq -r '.files[1].path' <<<"$OUT")" profiles/lossy.yaml
	cd "$here" || return
}

scalars() {
	cat >"$WORK/scalars.yaml" <<-'EOT'
		fleet: scalars
		networks: {lan: {vlans: [100], attached: false}}
		nodes:
		  "123": {roles: ["true", "1e3"], interfaces: {eth1: {network: lan, vlans: [100], mtu: 1400}}}
	EOT
	run "$NETSIM" check -v --json "$WORK/scalars.yaml"
	is "numbers are numbers, texts are texts" "$(gojq -c '.files[0].document.nodes."123" |
		[.roles, .interfaces.eth1.mtu, .interfaces.eth1.vlans]' <<<"$OUT")" '[["true","1e3"],1400,[100]]'
	printf 'time rate loss\n0s 1mbit 0%%\n2s 500kbit 10%%\n3s\n' >"$WORK/two.trace"
	run "$NETSIM" check -v --json "$WORK/two.trace"
	is "a trace has rows" "$STATUS $(gojq -c '.files[0] | [.kind, .document]' <<<"$OUT")" \
		'0 ["trace",{"end":"3s","rows":[{"loss":"0%","rate":"1mbit","time":"0ms"},{"loss":"10%","rate":"500kbit","time":"2s"}]}]'
}

mistakes() {
	echo 'profile: p' >"$WORK/good.yaml"
	echo 'fleet: 7: 8' >"$WORK/bad.yaml"
	echo 'fleet: x' >"$WORK/empty.yaml"
	run "$NETSIM" check -v --json "$WORK/bad.yaml" "$WORK/empty.yaml" "$WORK/good.yaml"
	is "files with mistakes have no document" "$STATUS $(gojq -c '[.files[] | [.kind, .document != null]]' <<<"$OUT")" \
		'3 [[null,false],["topology",false],["profile",true]]'
	is "but errors" "$(gojq -r '[.errors[].file | split("/") | last] | unique | join(" ")' <<<"$OUT")" "bad.yaml empty.yaml"
	run "$NETSIM" check --json "$WORK/good.yaml"
	is "without -v there are no files" "$(gojq -c 'has("files")' <<<"$OUT")" false
}

documents
scalars
mistakes
done_testing
