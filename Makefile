# The targets that people and CI call. `make test` is all that CI does.

GO ?= go
export CGO_ENABLED ?= 0
TOOL = $(GO) tool -modfile=tools/go.mod

.PHONY: build test check lint unit sim race generate bench clean needs

build: ## one static binary in bin/
	$(GO) build -trimpath -ldflags='-s -w' -o bin/millrace ./cmd/millrace

test: needs lint unit sim race ## everything that must pass: linters, all tests, and all of them once more under the race detector

check: lint unit ## the same without the simulation and the race detector

needs: ## installs what the tests of real clients use, where it is missing (Debian, as root)
	tools/needs

unit:
	$(GO) test -timeout 20m ./...

sim: ## thousands of seeds, each of which replays
	$(GO) run ./sim/replay -seed 1 -seeds 2000 -twice 20

race: ## tests that repeat themselves with other seeds do so less often here; those of the built program are none the wiser
	CGO_ENABLED=1 $(GO) test -race -timeout 25m $$($(GO) list ./... | grep -v /cmd/)

lint: ## gofumpt, vet, staticcheck, govulncheck
	@files=$$($(TOOL) gofumpt -l $$(git ls-files '*.go' | grep -v _gen.go)); \
	  if [ -n "$$files" ]; then echo "gofumpt would change:"; echo "$$files"; exit 1; fi
	$(GO) vet ./...
	$(TOOL) staticcheck ./...
	tools/vulncheck

generate: ## writes the generated wire code anew
	$(GO) generate ./aws/...

bench: build
	bin/millrace bench

clean:
	rm -rf bin
