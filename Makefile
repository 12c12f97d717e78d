# walpost. `make help` lists what there is.

SHELL := /bin/bash
.DEFAULT_GOAL := help

GOLANGCI_VERSION := v2.15.0
CACHE ?= $(or $(WALPOST_CACHE),$(HOME)/.cache/walpost)
GOLANGCI := $(CACHE)/bin/golangci-lint-$(GOLANGCI_VERSION)

VERSION ?= $(shell git describe --tags --match 'v[0-9]*' --always --dirty 2>/dev/null || echo unknown)
COMMIT ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X github.com/walpost/walpost/internal/cli.version=$(VERSION) -X github.com/walpost/walpost/internal/cli.commit=$(COMMIT)

.PHONY: help build test test-short tools faults soak demo bench bench-all pictures bundle tidy oldest-go require lint vuln fuzz release tags release-check clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build the static binary bin/walpost
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/walpost ./cmd/walpost

# To the go command, work is all packages of all modules of go.work, and ./... those of one.
# BESIDE=faults leaves out the packages that make faults runs: CI runs each once.
PACKAGES = $(if $(BESIDE),$(shell go list work $(foreach p,$(FAULTS),| grep -v '/$(p:/=)$$')),work)
MODULES = $(shell go list -m -f '{{.Dir}}' | sed 's,^$(CURDIR),.,')

# Each package starts servers of its own: on a machine with many cores too, so many at
# once have room.
AT_ONCE := $(shell n=$$(nproc 2>/dev/null || echo 2); echo -p $$((n < 4 ? n : 4)) -parallel $$((n < 8 ? n : 8)))

test: tools ## run all tests on real Postgres and real Kafka, with the race detector
	go test -race -shuffle=on $(AT_ONCE) -timeout 60m $(PACKAGES)

test-short: ## run the tests that need no server and no installed program
	go test -short work

APT_INSTALL := sh dev/devstack/apt.sh

tools: # what reads the files in deploy/, tried on a real Prometheus and by systemd, pg_recvlogical, and a browser for the page
	@echo 'The tests start real servers. What is missing of Postgres 14 to 18, Java, Kafka, and of the'; \
	echo 'clients of Java, Python and Node.js that the docs show, is fetched once, into a cache folder.'
	@{ command -v promtool && command -v prometheus && command -v systemd-analyze; } >/dev/null || \
		{ echo 'make test installs prometheus and systemd, which try the files in deploy/'; $(APT_INSTALL) prometheus systemd; } || \
		{ echo 'install Prometheus, promtool and systemd-analyze, on Debian and Ubuntu: sudo apt-get install prometheus systemd' >&2; exit 1; }
	@{ ls /usr/lib/postgresql/*/bin/pg_recvlogical || pg_recvlogical --version; } >/dev/null 2>&1 || \
		{ echo 'make test installs postgresql-client: its pg_recvlogical is what walpost is compared with'; $(APT_INSTALL) postgresql-client; } || \
		{ echo 'install pg_recvlogical, on Debian and Ubuntu: sudo apt-get install postgresql-client' >&2; exit 1; }
	@{ command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null || \
		{ echo 'make test installs chromium, which looks at the admin page'; $(APT_INSTALL) chromium; } || \
		{ echo 'install Chromium, on Debian: sudo apt-get install chromium' >&2; exit 1; }

# The packages with tests that the tag faults adds or makes longer, and the tags: one
# test needs a file system of its own, which root can mount where the machine lets it.
FAULTS = $(sort $(dir $(shell grep -rlE '^//go:build .*faults' --include='*_test.go' dev internal pkg)))
FAULT_TAGS = faults$(shell test "$$(id -u)" = 0 && unshare --mount true 2>/dev/null && echo ,root)

faults: ## run the whole fault suite: servers killed, frozen, cut off, replaced (some minutes)
	go test -race -shuffle=on $(AT_ONCE) -timeout 60m -tags $(FAULT_TAGS) $(addprefix ./,$(FAULTS))

soak: ## run the fault suite with more rounds and transactions of a million rows, before a release
	go test -race -shuffle=on $(AT_ONCE) -timeout 120m -tags $(FAULT_TAGS),soak $(addprefix ./,$(FAULTS))

demo: build ## watch events go from Postgres to Kafka while the relay is killed; KEEP=1 leaves it all running
	go build -o bin/ ./dev/demo ./examples/orders/orders ./examples/orders/payments
	@bin/demo -walpost bin/walpost -services bin

bench: build ## measure walpost against pg_recvlogical on this machine; ROWS=1000000, BENCH='-only drain -peers'
	go run ./dev/bench -walpost bin/walpost $(BENCH)

bench-all: build ## measure all of docs/benchmarks that has no figures yet; ROWS=200000, BENCH='-part peers -again'
	go run ./dev/bench all -walpost bin/walpost $(BENCH)

pictures: ## draw docs/pictures/*.svg again, from dev/picture
	go run ./dev/picture

bundle: ## copy into the modules in pkg/ what they share with internal/
	go run ./dev/bundle

# Without the workspace, so that what one module requires does not hide what another lacks;
# with the others from this tree, since the next version has no tags yet.
tidy: ## tidy what each module requires
	@set -e; for module in $(MODULES); do ( \
		cd $$module && echo "tidy $$module" && cp go.mod tidy.mod && { test ! -e go.sum || cp go.sum tidy.sum; }; \
		trap 'rm -f tidy.mod tidy.sum' EXIT; \
		for other in $(filter-out .,$(MODULES)); do \
			go mod edit -replace github.com/walpost/walpost/$${other#./}=$(CURDIR)/$$other tidy.mod; \
		done; \
		GOWORK=off go mod tidy -modfile=tidy.mod; \
		for other in $(filter-out .,$(MODULES)); do go mod edit -dropreplace github.com/walpost/walpost/$${other#./} tidy.mod; done; \
		cp tidy.mod go.mod; if test -s tidy.sum; then cp tidy.sum go.sum; else rm -f go.sum; fi ); done
	@cd dev/drivers/service && echo 'tidy ./dev/drivers/service' && GOWORK=off go mod tidy
	@rm -f go.work.sum && go mod download

# The go command fetches this version, so it is no part of CI, where go vet looks for what is
# newer (TestModulesNeedNoNewerGo).
OLDEST_GO := 1.22.12

oldest-go: ## run the pure tests of the modules that need Go 1.22 only with Go 1.22
	@set -e; for module in $(shell grep -l '^go 1.22' $(addsuffix /go.mod,$(MODULES)) | xargs -n1 dirname); do ( \
		cd $$module && echo "test $$module with Go $(OLDEST_GO)" && cp go.mod oldest.mod && touch oldest.sum; \
		trap 'rm -f oldest.mod oldest.sum' EXIT; \
		for other in $(filter-out .,$(MODULES)); do \
			go mod edit -replace github.com/walpost/walpost/$${other#./}=$(CURDIR)/$$other oldest.mod; \
		done; \
		GOWORK=off GOTOOLCHAIN=go$(OLDEST_GO) go vet -modfile=oldest.mod ./...; \
		GOWORK=off GOTOOLCHAIN=go$(OLDEST_GO) go test -modfile=oldest.mod ./... ); done

require: ## let the modules require each other at the version of the next release: VERSION=v0.5.0
	@for file in go.work $(addsuffix /go.mod,$(MODULES)); do \
		sed -i.old -E 's,(github.com/walpost/walpost/pkg/[a-z/]+) v[^ ]+,\1 $(VERSION),' $$file && rm $$file.old; done

lint: $(GOLANGCI) ## go vet and golangci-lint
	go vet work
	$(GOLANGCI) run $(addsuffix /...,$(MODULES))
	@cd dev/drivers/service && echo 'lint ./dev/drivers/service' && GOWORK=off go vet ./... && GOWORK=off $(abspath $(GOLANGCI)) run ./...

$(GOLANGCI):
	@mkdir -p $(@D)
	GOBIN=$(@D)/install-$(GOLANGCI_VERSION) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv $(@D)/install-$(GOLANGCI_VERSION)/golangci-lint $@

GOVULNCHECK_VERSION := v1.9.0
GOVULNCHECK := $(CACHE)/bin/govulncheck-$(GOVULNCHECK_VERSION)

# A database that cannot be reached is no finding: it is said, and does not fail. In a
# closed network VULNDB=file:///… is a copy of it.
VULNDB ?= https://vuln.go.dev

vuln: $(GOVULNCHECK) ## look for known vulnerabilities in what the code calls
	@said=$$($(GOVULNCHECK) -db $(VULNDB) work 2>&1); code=$$?; echo "$$said"; \
	case $$said in \
	'govulncheck: fetching vulnerabilities: '*) echo 'WARNING: NOT LOOKED FOR: $(VULNDB) cannot be reached' >&2;; \
	*) exit $$code;; \
	esac

$(GOVULNCHECK):
	@mkdir -p $(@D)
	GOBIN=$(@D)/install-$(GOVULNCHECK_VERSION) go install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)
	mv $(@D)/install-$(GOVULNCHECK_VERSION)/govulncheck $@

PLATFORMS ?= linux_amd64 linux_arm64 darwin_amd64 darwin_arm64
COMMIT_TIME := $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
RELEASE = walpost_$(VERSION)_$*
SHIPPED := LICENSE README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md docs deploy

CYCLONEDX_VERSION := v1.9.0
CYCLONEDX := $(CACHE)/bin/cyclonedx-gomod-$(CYCLONEDX_VERSION)

release: $(CYCLONEDX) ## build archives, SBOMs and checksums of all platforms into dist; needs GNU tar
	rm -rf dist
	$(MAKE) --no-print-directory $(addprefix release-,$(PLATFORMS))
	cd dist && sha256sum *.tar.gz *.cdx.json > SHA256SUMS
	@$(MAKE) --no-print-directory tags VERSION=$(VERSION)

# A module in a folder has tags of its own, which begin with the folder.
tags: ## say which tags a release sets
	@next=$$(sed -nE 's,.*/pkg/outbox (v[^ ]+) =>.*,\1,p' go.work); \
	tags='$(VERSION) $(patsubst ./%,%/$(VERSION),$(filter-out .,$(MODULES)))'; \
	if test '$(VERSION)' = "$$next"; then echo 'To publish, tag this commit for each module, and push all tags at once:'; \
		for tag in $$tags; do echo "  git tag $$tag"; done; echo "  git push --atomic origin $$tags"; \
	else echo "$(VERSION) gets no tag: the modules require each other at $$next (make require VERSION=... sets another)"; fi

# Times, owners, modes and order in an archive are those of the commit, so that
# whoever builds it gets the same bytes. To the go command the modules of the workspace
# have the version (devel): in the SBOM it is that of the release, as their tags have it.
release-%:
	@mkdir -p dist/$*
	CGO_ENABLED=0 GOOS=$(word 1,$(subst _, ,$*)) GOARCH=$(word 2,$(subst _, ,$*)) \
		go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o dist/$*/walpost ./cmd/walpost
	$(CYCLONEDX) bin -json -noserial -licenses -version $(VERSION) -output dist/$*/sbom.json dist/$*/walpost 2>dist/$*/sbom.log || { cat dist/$*/sbom.log; exit 1; }
	sed 's/"timestamp": "[^"]*"/"timestamp": "$(shell date -u -d @$(COMMIT_TIME) +%Y-%m-%dT%H:%M:%SZ)"/; s,@(devel),@$(VERSION),g; s,"(devel)","$(VERSION)",' \
		dist/$*/sbom.json > dist/$(RELEASE).cdx.json
	! grep '(devel)' dist/$(RELEASE).cdx.json
	git ls-files -z $(SHIPPED) | tar --create --format=ustar --sort=name --mtime=@$(COMMIT_TIME) --owner=0 --group=0 --numeric-owner \
		--mode=u+rwX,go+rX,go-w --transform 's,^,$(RELEASE)/,' --directory dist/$* walpost --directory $(CURDIR) --null --files-from - | \
		gzip --no-name --best > dist/$(RELEASE).tar.gz
	rm -r dist/$*

release-check: release ## build the release a second time, elsewhere and without a cache: equal byte for byte?
	rm -rf dist/again && git clone --quiet . dist/again
	GOCACHE=$(CURDIR)/dist/again/.cache $(MAKE) --no-print-directory -C dist/again release PLATFORMS='$(PLATFORMS)' VERSION=$(VERSION) COMMIT=$(COMMIT)
	diff dist/SHA256SUMS dist/again/dist/SHA256SUMS
	cd dist && sha256sum --quiet --check SHA256SUMS
	rm -rf dist/again

$(CYCLONEDX):
	@mkdir -p $(@D)
	GOBIN=$(@D)/install-$(CYCLONEDX_VERSION) go install -trimpath github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX_VERSION)
	mv $(@D)/install-$(CYCLONEDX_VERSION)/cyclonedx-gomod $@

FUZZTIME ?= 30s

fuzz: ## fuzz decoder, router, configuration and import, FUZZTIME=30s each
	go test -run '^$$' -fuzz FuzzDecode -fuzztime $(FUZZTIME) ./internal/pgoutput
	go test -run '^$$' -fuzz FuzzRoute -fuzztime $(FUZZTIME) ./internal/router
	go test -run '^$$' -fuzz FuzzLoad -fuzztime $(FUZZTIME) ./internal/config
	go test -run '^$$' -fuzz FuzzImport -fuzztime $(FUZZTIME) ./internal/connector

clean: ## remove what was built
	rm -rf bin dist
