# Two commands for a newcomer: `make demo` and `make test`. Each makes what it needs.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test screens lint clean python validate calibrate-intervals converge docs bench \
	check-datasets train-tray card-tray train-shelf card-shelf train-plug card-plug

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 24

python:
	@command -v $(PYTHON) >/dev/null 2>&1 && $(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
	  || { echo "Rackline needs Python 3.11 (the only one with wheels for PyBullet, current NumPy and PyTorch together); '$(PYTHON)' is not it: install it, or call 'make PYTHON=/path/to/python3.11'"; exit 2; }

$(VENV)/.core: pyproject.toml constraints.txt | python
	@echo "making $(VENV) (core)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	@echo "adding what tests need to $(VENV)"
	@$(PIP) --editable '.[data,dev,train,viz]'
	@touch $@

$(VENV)/.bench: $(VENV)/.core
	@echo "adding panda-gym, which the bench compares with, to $(VENV)"
	@$(PIP) --editable '.[bench]'
	@touch $@

demo: $(VENV)/.core ## judge the trained policy and the best script by the line: verdict in the terminal, report as HTML
	@$(BIN)/rackline evaluate configs/evaluations/tray_cell.yaml --out runs/demo; code=$$?; \
	  case $$code in 0|1|3) exit 0 ;; *) exit $$code ;; esac

test: $(VENV)/.dev screens ## run the test suite
	@$(BIN)/python -m pytest -n 2

screens: # what tests of pages and windows look at: installed where this may; elsewhere they skip
	@command -v chromium >/dev/null && command -v Xvfb >/dev/null && exit 0; \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing chromium and xvfb"; \
	    apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
	      apt-get -qq install --no-install-recommends -y chromium xvfb >/dev/null && exit 0; \
	  fi; \
	  echo "no chromium or no Xvfb here, and no right to install them: tests of pages or windows skip"

lint: $(VENV)/.dev ## ruff, mypy (strict) and the import contract
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

validate: $(VENV)/.core ## hold the line against independent figures and closed forms (half an hour); writes docs/validation.md
	@$(BIN)/rackline line validate --replications 100 --doc docs/validation.md
	@$(BIN)/rackline line oracles --replications 50 --error-percent 0.3 --doc docs/validation.md

.PHONY: factory
factory: $(VENV)/.core ## robot cells at three stations at once: how many cells and people hold takt (90 minutes on two cores); resumes
	@$(BIN)/rackline factory --out runs/factory; code=$$?; \
	  case $$code in 0|1|3) exit 0 ;; *) exit $$code ;; esac

calibrate-intervals: $(VENV)/.core ## how often the intervals hold what they promise (long); writes docs/validation.md
	@$(BIN)/python -m twin.bridge.calibrate --doc docs/validation.md

# A station's file and name, who works it, and seeds. Plugging by the quickest there is: the slow search
# showed a station to be converged that was not (decision "quick policies show what slow ones hide").
CONVERGED := tray_insert:TrayInsert:scripted/lateral-admittance:300 \
  shelf_insert:ShelfInsert:scripted/lateral-admittance:300 \
  cable_plug_light:CablePlugLight:zoo/cable_plug_light:600 cable_plug:CablePlug:zoo/cable_plug_light:600 \
  cable_plug_osfp:CablePlugOsfp:zoo/cable_plug_light:600
CONVERGED_STATIONS = $(foreach each,$(CONVERGED),$(firstword $(subst :, ,$(each))))
converge: $(VENV)/.core ## the stations' convergence cards, or of one: STATION=cable_plug (long); writes docs/cards
	$(if $(filter-out $(CONVERGED_STATIONS),$(STATION)),@echo "STATION=$(STATION): is none of $(CONVERGED_STATIONS)" >&2; exit 2)
	@for each in $(CONVERGED); do set -- $$(echo $$each | tr : ' '); \
	  case "$(STATION)" in ""|"$$1") \
	    $(BIN)/rackline converge rackline/$$2-v0 --policy $$3 --seeds $$4 --save \
	      --card docs/cards/$$1_convergence.md; [ $$? -le 1 ] || exit 1 ;; esac; done

# What is shipped is trained by its file of configs/training and lies in policies/zoo under the same name.
define trained
	@$(BIN)/rackline train $(1) --seeds 0,1,2 --out runs/train-$(2)
	@rm -rf policies/zoo/$(1) && cp -r runs/train-$(2)/bundle policies/zoo/$(1)
endef
define carded
	@$(BIN)/rackline card zoo/$(1) --out runs/card-$(2) --save $(3); [ $$? -le 1 ]
endef

train-tray: $(VENV)/.dev ## the shipped tray policy, three training seeds, and its choice (an hour on two cores); writes policies/zoo
	$(call trained,tray_insert,tray)

card-tray: $(VENV)/.core ## its card: held-out seeds against every script, robustness (an hour and more); writes policies/zoo
	$(call carded,tray_insert,tray)

train-shelf: $(VENV)/.dev ## the shipped shelf policy, as the tray's (an hour on two cores); writes policies/zoo
	$(call trained,shelf_insert,shelf)

card-shelf: $(VENV)/.core ## its card, as the tray's (an hour and more); writes policies/zoo
	$(call carded,shelf_insert,shelf)

train-plug: $(VENV)/.dev ## the shipped plug policy, as the tray's (an hour and a half on two cores); writes policies/zoo
	$(call trained,cable_plug_light,plug)

card-plug: $(VENV)/.core ## its cards, of the light tier and at the arm (two hours); writes policies/zoo
	$(call carded,cable_plug_light,plug)
	$(call carded,cable_plug_light,plug-arm,--env rackline/CablePlug-v0)

bench: $(VENV)/.bench ## speed as ratios of one run: over raw physics, by workers, beside panda-gym; the demo by phase
	@$(BIN)/python -m twin.bench $(ARGS)

docs: $(VENV)/.core ## the pages of the stations, from their data and the code; writes docs/stations
	@$(BIN)/rackline stations --docs docs/stations

# LeRobot's pins and ours do not agree, and Rerun's SDK is large: each has an environment of its own.
DATASETS := $(VENV)-datasets
$(DATASETS)/rackline/.made: pyproject.toml constraints.txt | python
	@echo "making $(DATASETS)/rackline (core, data, viz, rerun)"
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt \
	  --editable '.[data,viz,rerun]' pytest
	@touch $@

$(DATASETS)/lerobot/.made: tests/loaders/lerobot.txt | python
	@echo "making $(DATASETS)/lerobot (LeRobot without what its loader does not import)"
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install -q --disable-pip-version-check --no-deps -r tests/loaders/lerobot.txt
	@touch $@

LOADERS := -m pytest -p no:cacheprovider -o filterwarnings=default --rootdir=tests/loaders
check-datasets: $(DATASETS)/rackline/.made $(DATASETS)/lerobot/.made ## read exports back with LeRobot's and Rerun's own loaders
	@rm -rf $(DATASETS)/made
	@$(DATASETS)/rackline/bin/python tests/loaders/make_exports.py $(DATASETS)/made
	@EXPORTS=$(DATASETS)/made $(DATASETS)/lerobot/bin/python $(LOADERS) tests/loaders/check_lerobot.py
	@EXPORTS=$(DATASETS)/made $(DATASETS)/rackline/bin/python $(LOADERS) tests/loaders/check_rerun.py

clean: ## remove everything that make has made
	rm -rf $(VENV) $(DATASETS) build *.egg-info .pytest_cache .mypy_cache .ruff_cache
