#!/usr/bin/env bats
# The gates of .ci/gate, which the GitHub Action and the GitLab template run:
# what passes, what fails and how, and that both hand it what it reads.

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

setup() {
	own_folder
	export XDG_CACHE_HOME=$PWD/cache
	unset GITHUB_ACTIONS LP_GATE_FIND LP_GATE_MAX_WASTE LP_GATE_CHECK LP_GATE_HTML
	mkdir -p base/root/.ssh app/root/.ssh
	echo secret >base/root/.ssh/id_rsa
	noise 1 40000 >base/big
	noise 2 60000 >base/kept
	tar --sort=name -C base -cf base.tar .
	: >app/root/.ssh/.wh.id_rsa
	echo small >app/big
	tar --sort=name -C app -cf app.tar .
	layout_make lay v1 base.tar app.tar
	gate=$TOP/.ci/gate
}

@test "gate: a key that a later layer deletes, waste above its bound; what is well passes" {
	LP_GATE_FIND=$'*.pem\n*id_dsa' LP_GATE_MAX_WASTE=50% LP_GATE_CHECK=yes run -0 "$gate" oci:lay:v1
	[ "$output" = $'files that may not be in it: passed\nhidden bytes: passed\nwhat runtimes refuse: passed' ]

	LP_GATE_FIND=$'*.pem\n*id_rsa\n' LP_GATE_CHECK=no run -4 "$gate" oci:lay:v1
	[[ $output == 'files that may not be in it: failed (4)'* && $output == *root/.ssh/id_rsa* && $output != *runtimes* ]]

	# one no does not keep the others from being asked
	LP_GATE_FIND='*id_rsa' LP_GATE_MAX_WASTE=10% LP_GATE_CHECK=yes run -4 "$gate" oci:lay:v1
	[[ $output == *'may not be in it: failed (4)'*'hidden bytes: failed (4)'*'refuse: passed' ]]
}

@test "gate: what cannot be asked is not a pass, and outweighs a no" {
	LP_GATE_FIND='*id_rsa' run -3 "$gate" 127.0.0.1:1/x:1
	[[ $output == *'failed (3)'* ]]
	LP_GATE_FIND='*id_rsa' LP_GATE_MAX_WASTE=much run -2 "$gate" oci:lay:v1
	[[ $output == *'failed (4)'*'failed (2)'* ]]
	run -2 "$gate" oci:lay:v1
	[[ $output == *'nothing is asked'* ]]
	LP_GATE_CHECK=perhaps run -2 "$gate" oci:lay:v1
	LP_GATE_CHECK=yes run -2 "$gate"
	# an image is no option
	LP_GATE_FIND='*id_rsa' run -2 "$gate" --version
}

@test "gate: on GitHub a failure is one annotation, whatever names hold" {
	mkdir hostile
	echo x >hostile/$'id_rsa\n::warning::100%'
	tar -C hostile -cf hostile.tar .
	layout_make bad v1 hostile.tar
	GITHUB_ACTIONS=true LP_GATE_FIND='*id_rsa*' run -4 "$gate" oci:bad:v1
	[ "$(grep -c '^::' <<<"$output")" -eq 1 ]
	[[ $(grep '^::' <<<"$output") == '::error title=layer peek  files that may not be in it::'*'100%25'* ]]
}

@test "gate: the page is written, whatever the gates say" {
	LP_GATE_FIND='*id_rsa' LP_GATE_HTML=page.html run -4 "$gate" oci:lay:v1
	[[ $output == *'page: passed' ]]
	grep '<title>' page.html
}

@test "gate: the Action and the template run it with the variables that it reads" {
	run -0 python3 - "$TOP" <<-'E'
		import re, sys, yaml
		top = sys.argv[1] + "/.ci/"
		reads = set(re.findall(r"\bLP_GATE_[A-Z_]+\b", open(top + "gate").read()))
		action = yaml.safe_load(open(top + "github/action.yml"))
		build, gate = action["runs"]["steps"]
		given = dict(gate["env"])
		assert gate["run"] == '"$GITHUB_ACTION_PATH/../gate" "$LP_GATE_IMAGE"', gate["run"]
		assert given.pop("LP_GATE_IMAGE") == "${{ inputs.image }}"
		assert set(given) == reads, (given, reads)
		for name, value in given.items():
		    key = re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", value).group(1)
		    assert "LP_GATE_" + key.upper().replace("-", "_") == name and key in action["inputs"], name
		job = yaml.safe_load(open(top + "gitlab/layer-peek.yml"))[".layer-peek"]
		assert {v for v in job["variables"] if v.startswith("LP_GATE_")} <= reads
		assert job["script"] == ['/opt/layer-peek/.ci/gate "$IMAGE"']
		assert job["artifacts"]["paths"] == [job["variables"]["LP_GATE_HTML"]]
	E
	# what the template writes is what credentials are read from
	CI_REGISTRY=r.example:5000 CI_REGISTRY_USER=me CI_REGISTRY_PASSWORD='p"w' run -0 bash -c "$(python3 -c '
import sys, yaml
print("\n".join(c for c in yaml.safe_load(open(sys.argv[1]))[".layer-peek"]["before_script"] if "docker" in c))' "$TOP/.ci/gitlab/layer-peek.yml")"
	[ "$(jq -r '.auths["r.example:5000"].auth | @base64d' .docker/config.json)" = 'me:p"w' ]
}
