# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Completion for netsim. Commands and options come from netsim help; names of nodes,
# roles, fleets and faults from netsim status (which needs root).

_netsim_commands() {
	"$1" help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p'
}

_netsim_options() {
	"$1" help "$2" 2>/dev/null | sed -n 's/^  \(-.,\|   \) \(--[a-z-]*\).*/\2/p'
}

# Prints folders, and files whose names match a pattern: _netsim_files WORD PATTERN
_netsim_files() {
	local file
	while IFS= read -r file; do
		# shellcheck disable=SC2053 # a pattern
		[[ ! -d $file && ${file##*/} != $2 ]] || echo "$file"
	done < <(compgen -f -- "$1")
}

# Names of files or classes: _netsim_names NETSIM KIND
_netsim_names() {
	"$1" list -q "$2" 2>/dev/null
}

_netsim_fleets() {
	"$1" status 2>/dev/null | sed -n 's/^\([^ ]*\): [0-9]* nodes\{0,1\}, .*/\1/p'
}

_netsim_faults() {
	"$1" status 2>/dev/null | sed -n '
		s/^fault [0-9]*: \([A-Za-z0-9._-]*\): .*/\1/p
		s/^fault \([0-9]*\): .*/\1/p'
}

_netsim_nodes() {
	"$1" status -q 2>/dev/null
}

_netsim_roles() {
	"$1" status --json 2>/dev/null | awk '
		/"roles": \[$/ { on = 1; next }
		on && /\]/ { on = 0 }
		on { gsub(/[ ",]/, ""); if (!seen[$0]++) print "@" $0 }'
}

_netsim_interfaces() {
	local path
	for path in /sys/class/net/*; do
		echo "${path##*/}"
	done
}

# Candidates for the last word of a GROUP; keeps the words before it.
_netsim_group() {
	local before='' word=$2
	if [[ $word == *,* ]]; then
		before=${word%,*},
		word=${word##*,}
	fi
	compgen -P "$before" -W "host $(_netsim_nodes "$1") $(_netsim_roles "$1")" -- "$word"
}

# Candidates for a TARGET; after a pair's first node and colon, for the second node.
_netsim_target() {
	local before='' word=$2
	if [[ $word == *:* ]]; then
		before=${word%:*}:
		word=${word##*:}
	fi
	compgen -P "$before" -W "$3 $(_netsim_nodes "$1") $(_netsim_roles "$1")" -- "$word"
}

# Prints the candidates for word number $4 of COMMAND, one per line.
_netsim_words() {
	local netsim=$1 command=$2 word=$3 place=$4
	case $command in
	help) compgen -W "$(_netsim_commands "$netsim")" -- "$word" ;;
	up | plan | diff)
		[[ $place -eq 1 ]] || return 0
		compgen -W "$(_netsim_names "$netsim" topologies)" -- "$word"
		_netsim_files "$word" "*.@(yaml|yml|json)" ;;
	run)
		compgen -W "$(_netsim_names "$netsim" scenarios)" -- "$word"
		_netsim_files "$word" "*.@(yaml|yml|json)" ;;
	report) compgen -d -- "$word" ;;
	check)
		compgen -W "$(for kind in topologies profiles scenarios recipes; do _netsim_names "$netsim" $kind; done)" -- "$word"
		_netsim_files "$word" "*.@(yaml|yml|json|trace)" ;;
	list)
		if [[ $place -eq 1 ]]; then
			compgen -W "topologies profiles classes scenarios recipes" -- "$word"
		elif [[ $place -eq 2 ]]; then
			compgen -W "$(_netsim_names "$netsim" "${COMP_WORDS[COMP_CWORD - 1]}")" -- "$word"
		fi ;;
	analyze) _netsim_files "$word" "*.@(pcap|pcapng|cap)*" ;;
	down | events | status | top | verify | watch) compgen -W "$(_netsim_fleets "$netsim")" -- "$word" ;;
	exec)
		if [[ $place -eq 1 ]]; then
			compgen -W "$(_netsim_nodes "$netsim")" -- "$word"
		elif [[ $place -eq 2 ]]; then
			compgen -c -- "$word"
		else
			compgen -f -- "$word"
		fi ;;
	capture)
		compgen -W "$(_netsim_nodes "$netsim") $(_netsim_roles "$netsim")" -- "$word" ;;
	apply | clear)
		if [[ $command == apply && $place -eq 1 ]]; then
			compgen -W "$(_netsim_names "$netsim" profiles)" -- "$word"
			_netsim_files "$word" "*.@(yaml|yml|json)"
		else
			compgen -W "$(_netsim_nodes "$netsim") $(_netsim_roles "$netsim") $(_netsim_interfaces)" -- "$word"
		fi ;;
	fault)
		if [[ $place -eq 1 ]]; then
			compgen -W "loss delay jitter rate duplicate corrupt larger hold reorder" -- "$word"
		else
			_netsim_target "$netsim" "$word" host
		fi ;;
	link)
		if [[ $place -eq 1 ]]; then
			compgen -W "down up flap" -- "$word"
		else
			_netsim_target "$netsim" "$word" ''
		fi ;;
	iperf | ping-matrix | measure)
		compgen -W "host $(_netsim_nodes "$netsim") $(_netsim_roles "$netsim")" -- "$word" ;;
	partition) _netsim_group "$netsim" "$word" ;;
	heal) compgen -W "$(_netsim_faults "$netsim")" -- "$word" ;;
	esac
}

# Prints the number of the current word of COMMAND, without options and their values.
_netsim_place() {
	local i place=0
	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i - 1]} in
		-f | --fleet | --as | --for | --name | --members | --class | --bridge | --engine | --period | --duty | --interval | --by | -t | --top | --from | --to | --topo | --classes | --html | -w | --write | -d | --dir | -F | --filter | -c | --direction | -s | --snap | --buffer | -r | --rotate | -k | --count | --out | --junit | --annotations | --seed | --profile | --edge | --within)
			continue ;;
		--keep)
			[[ ${COMP_WORDS[1]} == run ]] || continue ;;
		--matrix)
			[[ ${COMP_WORDS[1]} != partition ]] || continue ;;
		esac
		case ${COMP_WORDS[i]} in
		-* | @) ;;
		*) place=$((place + 1)) ;;
		esac
	done
	echo $((place + 1))
}

_netsim() {
	local netsim=$1 before=$3 command=${COMP_WORDS[1]-} found
	# The whole word as typed: readline splits words at @ and :.
	local word=${COMP_LINE:0:COMP_POINT}
	word=${word##*[[:blank:]]}
	if [[ $COMP_CWORD -eq 1 ]]; then
		found=$(compgen -W "$(_netsim_commands "$netsim")" -- "$word")
	elif [[ $before == -f || $before == --fleet ]]; then
		found=$(compgen -W "$(_netsim_fleets "$netsim")" -- "$word")
	elif [[ $before == --as ]]; then
		found=$(compgen -W "$(_netsim_nodes "$netsim")" -- "$word")
	elif [[ $before == --members ]]; then
		found=$(compgen -S = -W "$(_netsim_names "$netsim" recipes)" -- "$word")
	elif [[ $before == --engine ]]; then
		found=$(compgen -W "auto netem edt" -- "$word")
	elif [[ $before == --congestion ]]; then
		found=$(compgen -W "$(cat /proc/sys/net/ipv4/tcp_available_congestion_control)" -- "$word")
	elif [[ $before == --by ]]; then
		found=$(compgen -W "connection class pair" -- "$word")
	elif [[ $before == --topo ]]; then
		found=$(compgen -W "$(_netsim_names "$netsim" topologies)" -- "$word"; _netsim_files "$word" "*.@(yaml|yml|json)")
	elif [[ $before == --profile ]]; then
		found=$(compgen -W "none $(_netsim_names "$netsim" profiles)" -- "$word"; _netsim_files "$word" "*.@(yaml|yml|json)")
	elif [[ $before == --bridge ]]; then
		found=$(compgen -W "$(_netsim_nodes "$netsim")" -- "$word")
	elif [[ $before == --class ]]; then
		found=$(compgen -W "$(_netsim_names "$netsim" classes)" -- "$word")
	elif [[ $before == --direction ]]; then
		found=$(compgen -W "sent delivered both" -- "$word")
	elif [[ $before == --classes || ( $command == partition && $before == --matrix ) ]]; then
		found=$(_netsim_files "$word" "*.@(yaml|yml|json)")
	elif [[ $command == run && $before == --keep ]]; then
		found=$(_netsim_words "$netsim" "$command" "$word" "$(_netsim_place)")
	elif [[ $before == --@(html|write|dir|out|junit|annotations) || ( $command == capture && $before == -[wd] ) ]]; then
		found=$(compgen -f -- "$word")
	elif [[ $before == -t || $before == --@(top|from|to|for|name|period|duty|interval|time|omit|parallel|rate|mss|port|address|interface|count|filter|snap|buffer|rotate|keep|seed|edge|within) ]]; then
		found=
	elif [[ $word == -* ]]; then
		found=$(compgen -W "$(_netsim_options "$netsim" "$command")" -- "$word")
	else
		found=$(_netsim_words "$netsim" "$command" "$word" "$(_netsim_place)")
	fi
	COMPREPLY=()
	[[ -n $found ]] || return 0
	mapfile -t COMPREPLY <<<"$found"
	if [[ $word == *@* && $COMP_WORDBREAKS == *@* ]]; then
		COMPREPLY=("${COMPREPLY[@]#"${word%@*}"}")
	elif [[ $word == *:* && $COMP_WORDBREAKS == *:* ]]; then
		COMPREPLY=("${COMPREPLY[@]#"${word%:*}:"}")
	fi
	case $command in
	up | plan | diff | check | analyze | apply | exec | run | report)
		[[ $word == *@* ]] || compopt -o filenames 2>/dev/null ;;
	esac
}

complete -F _netsim netsim
