# smswarden: build, tests, install. `make help` lists the targets; the names are a contract (docs/contributing.md).
BUILD    ?= build
PREFIX   ?= /usr
SANITIZE ?=

# Where things are installed, below DESTDIR.
SBINDIR     ?= $(PREFIX)/sbin
BINDIR      ?= $(PREFIX)/bin
LIBEXECDIR  ?= $(PREFIX)/lib/smswarden
UDEVDIR     ?= $(PREFIX)/lib/udev
UNITDIR     ?= $(PREFIX)/lib/systemd/system
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
CATALOGDIR  ?= $(PREFIX)/lib/systemd/catalog
DATADIR     ?= $(PREFIX)/share
SYSCONFDIR  ?= /etc
VERSION  := 0.1.0

# `make V=1` shows the whole commands.
V ?=
say = $(if $(V),,@printf '  %-4s %s\n' $(1) $@;)

CC       ?= cc
# What another work tree has compiled is not compiled again. The map keeps the tree's own path out of the debug information.
ifeq ($(origin CCACHE),undefined)
  CCACHE := $(shell command -v ccache 2>/dev/null)
endif
WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings \
            -Wimplicit-fallthrough -Wundef -Wvla -Werror
HARDEN   := -fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fPIE -Wformat -Wformat-security
OPTIMISE ?= -O2 -g
ifneq ($(SANITIZE),)
  HARDEN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -fPIE
  OPTIMISE := -O1 -g
  SANFLAGS := -fsanitize=address,undefined
endif
CPPFLAGS += -Iinclude -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -DSMSWARDEN_VERSION='"$(VERSION)"' \
            -DSMSWARDEN_LIBEXECDIR='"$(LIBEXECDIR)"' -DSMSWARDEN_DATADIR='"$(DATADIR)/smswarden"'
CFLAGS   += -std=c17 -fdebug-prefix-map=$(CURDIR)=. $(OPTIMISE) $(WARNINGS) $(HARDEN) -MMD -MP
LDFLAGS  += -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed $(SANFLAGS)

DAEMON_LIBS := -lsystemd -ludev -lserialport -linih -ljansson -lexpat -pthread
CLI_LIBS    := -lsystemd -ljansson -linih
NOTIFY_LIBS := -lsystemd -lcurl -ljansson -linih

objects = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(1)/*.c))

CORE_OBJECTS    := $(call objects,src/base) $(call objects,src/core)
ADAPTER_OBJECTS := $(call objects,src/adapters)
DAEMON_OBJECTS  := $(call objects,src/daemon)
CLI_OBJECTS     := $(call objects,src/cli)
HOLD_OBJECTS    := $(call objects,src/hold)
NOTIFY_OBJECTS  := $(call objects,src/notify)

PROGRAMS := $(BUILD)/smswardend $(BUILD)/smswarden $(BUILD)/smswarden-hold $(BUILD)/smswarden-port $(BUILD)/smswarden-notify \
            $(BUILD)/smswarden-power

UNIT_TESTS    := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))
ADAPTER_TESTS := $(patsubst tests/adapters/%.c,$(BUILD)/tests/adapters/%,$(wildcard tests/adapters/test_*.c))
CLI_TESTS     := $(patsubst tests/cli/%.c,$(BUILD)/tests/cli/%,$(wildcard tests/cli/test_*.c))
GATEWAY_TESTS := $(patsubst tests/gateway/%.c,$(BUILD)/tests/gateway/%,$(wildcard tests/gateway/test_*.c))

SIMULATION := $(BUILD)/tests/simulation/simulation
EC25_TESTS := $(BUILD)/tests/ec25/test_model

# The build needs the first list, the tests and the demo the second.
BUILD_PACKAGES := gcc libc6-dev pkg-config libudev-dev libserialport-dev libsystemd-dev libcurl4-openssl-dev libinih-dev libjansson-dev libexpat1-dev
TEST_PACKAGES  := ccache libcmocka-dev mobile-broadband-provider-info umockdev libumockdev-dev dbus-daemon smstools udev libssl-dev prometheus-alertmanager python3-aiosmtpd clang clang-tidy libclang-rt-14-dev libasan8 libubsan1 strace procps \
                  gcc-aarch64-linux-gnu gcc-arm-linux-gnueabihf qemu-user-static mmdebstrap systemd systemd-journal-remote
# Building, judging and installing the package.
DEB_PACKAGES   := build-essential debhelper dpkg-dev lintian man-db shellcheck mmdebstrap systemd-container
# The virtual machine of the system tests.
SYSTEM_PACKAGES := qemu-system-x86 qemu-utils mmdebstrap kmod e2fsprogs cpio xz-utils
PACKAGES       := $(BUILD_PACKAGES) $(TEST_PACKAGES) $(DEB_PACKAGES) $(SYSTEM_PACKAGES)

# The parts of `make check`: functions of tests/run.
CHECKS := check-layers check-unit check-gateway check-alerts check-simulation check-static check-sanitizers check-fuzz check-cross check-deb check-system

.PHONY: all deps have-deps clean help check check-fast check-nightly $(CHECKS) bench demo install uninstall deb programs test-programs \
        test-core print-build-packages FORCE
.SECONDARY:

all: have-deps
	@$(MAKE) --no-print-directory programs

programs: $(PROGRAMS)

# --- what is needed from Debian ---------------------------------------------------------------------------------------
missing = $(shell dpkg-query -W -f '$${db:Status-Status} $${binary:Package}\n' $(PACKAGES) 2>/dev/null | \
            awk '$$1 == "installed" { sub(/:.*/, "", $$2); have[$$2] } END { n = split("$(PACKAGES)", want, " "); \
                 for (i = 1; i <= n; i++) if (!(want[i] in have)) printf "%s ", want[i] }')

have-deps:
	@test -z "$(missing)" || $(MAKE) --no-print-directory deps

# smstools is installed without starting its smsd: a test machine has no modem, and a gateway must not be touched by a build.
deps:
	@tests/install-deps $(PACKAGES)

help:
	@sed -n 's/^## //p' Makefile

# --- libraries and programs -------------------------------------------------------------------------------------------
$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)$(CCACHE) $(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/libcore.a: $(CORE_OBJECTS)
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

$(BUILD)/libadapters.a: $(ADAPTER_OBJECTS)
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

$(BUILD)/smswardend: $(DAEMON_OBJECTS) $(BUILD)/libadapters.a $(BUILD)/libcore.a
	$(call say,LD)$(CC) $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS)

# All of the CLI but its main, so that the tests can link it.
$(BUILD)/libcli.a: $(filter-out $(BUILD)/src/cli/main.o,$(CLI_OBJECTS))
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

$(BUILD)/smswarden: $(BUILD)/src/cli/main.o $(BUILD)/libcli.a $(BUILD)/libadapters.a $(BUILD)/libcore.a
	$(call say,LD)$(CC) $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS) $(CLI_LIBS)

# All of smswarden-notify but its main, so that the tests can link it.
$(BUILD)/libnotify.a: $(filter-out $(BUILD)/src/notify/main.o,$(NOTIFY_OBJECTS))
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

$(BUILD)/smswarden-notify: $(BUILD)/src/notify/main.o $(BUILD)/libnotify.a $(BUILD)/libadapters.a $(BUILD)/libcore.a
	$(call say,LD)$(CC) $(LDFLAGS) -o $@ $^ $(NOTIFY_LIBS)

# Run before each start of smsd: as small as it can be.
$(BUILD)/smswarden-hold: $(HOLD_OBJECTS) $(BUILD)/libadapters.a $(BUILD)/libcore.a
	$(call say,LD)$(CC) $(LDFLAGS) -o $@ $^ -lsystemd -linih

# Outside of the sandbox: as little as can be.
$(BUILD)/smswarden-power: $(call objects,src/power) $(BUILD)/libadapters.a $(BUILD)/libcore.a
	$(call say,LD)$(CC) $(LDFLAGS) -o $@ $^ -lsystemd -linih

# udev waits for it: as few libraries as can be.
$(BUILD)/smswarden-port: $(call objects,src/port) $(BUILD)/libadapters.a $(BUILD)/libcore.a
	$(call say,LD)$(CC) $(LDFLAGS) -o $@ $^ -linih

# --- tests ------------------------------------------------------------------------------------------------------------
# A unit test sees the core alone: a library call in the core fails here, at the link.
$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/libcore.a
	$(call say,LD)$(CC) $(LDFLAGS) -o $@ $^ -lcmocka

$(BUILD)/tests/cli/%: $(BUILD)/tests/cli/%.o $(BUILD)/libcli.a $(BUILD)/libadapters.a $(BUILD)/libcore.a
	$(call say,LD)$(CC) $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS) $(CLI_LIBS) -lcmocka

$(BUILD)/tests/adapters/%: $(BUILD)/tests/adapters/%.o $(BUILD)/libadapters.a $(BUILD)/libcore.a
	$(call say,LD)$(CC) $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS) $(CLI_LIBS) -lcmocka $(TEST_LIBS)

$(BUILD)/tests/adapters/test_hold_program: | $(BUILD)/smswarden-hold
$(BUILD)/tests/adapters/test_power_program: | $(BUILD)/smswarden-power

# GLib's headers are not written for -Wconversion.
$(BUILD)/tests/adapters/test_hotplug.o: CPPFLAGS += $(patsubst -I%,-isystem %,$(shell pkg-config --cflags umockdev-1.0 2>/dev/null))
$(BUILD)/tests/adapters/test_hotplug: TEST_LIBS = $(shell pkg-config --libs umockdev-1.0 2>/dev/null)

# Speaks as udevd does.
$(BUILD)/tests/adapters/test_hotplug_udev: $(BUILD)/tests/ec25/uevent.o

# --- the software EC25: the AT model, its pty transport, the USB tree that umockdev shows to libudev ---------------------
# client.o is linked into other tests as well; the tests of the software EC25 itself have a main of their own.
EC25_OBJECTS := $(filter-out $(BUILD)/tests/ec25/test_%.o,$(call objects,tests/ec25))
EC25_TESTS   := $(patsubst tests/ec25/%.c,$(BUILD)/tests/ec25/%,$(wildcard tests/ec25/test_*.c))
$(BUILD)/tests/%.o: CPPFLAGS += -Itests
$(BUILD)/softec25: $(EC25_OBJECTS) $(BUILD)/libcore.a
	$(call say,LD)$(CC) $(LDFLAGS) -o $@ $^

$(addprefix $(BUILD)/tests/ec25/,test_softec25 test_hotplug test_usbip_program): | $(BUILD)/softec25
$(BUILD)/tests/ec25/test_%: $(BUILD)/tests/ec25/test_%.o $(filter-out %/main.o,$(EC25_OBJECTS)) $(BUILD)/libcore.a
	$(call say,LD)$(CC) $(LDFLAGS) -o $@ $^ -ludev -lcmocka

# --- the gateway tests: the real daemon, the real smsd, the software EC25 ------------------------------------------------
GATEWAY_FIXTURE := $(filter-out $(BUILD)/tests/gateway/test_%.o,$(call objects,tests/gateway))
$(BUILD)/tests/gateway/test_%: $(BUILD)/tests/gateway/test_%.o $(GATEWAY_FIXTURE) $(BUILD)/tests/ec25/client.o $(BUILD)/libadapters.a $(BUILD)/libcore.a | $(BUILD)/smswardend $(BUILD)/smswarden $(BUILD)/smswarden-notify $(BUILD)/softec25
	$(call say,LD)$(CC) $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS) $(CLI_LIBS) -lcmocka

# --- alerts: the receivers, the real smswarden-notify, real servers for it to deliver to --------------------------------
ALERT_TESTS   := $(patsubst tests/alerts/%.c,$(BUILD)/tests/alerts/%,$(wildcard tests/alerts/test_*.c))
ALERT_FIXTURE := $(filter-out $(BUILD)/tests/alerts/test_%.o,$(call objects,tests/alerts))
$(BUILD)/tests/alerts/%.o: CPPFLAGS += -Isrc
$(BUILD)/tests/alerts/test_%: $(BUILD)/tests/alerts/test_%.o $(ALERT_FIXTURE) $(BUILD)/libnotify.a $(BUILD)/libadapters.a $(BUILD)/libcore.a | $(BUILD)/smswarden-notify
	$(call say,LD)$(CC) $(LDFLAGS) -o $@ $^ $(NOTIFY_LIBS) -lcmocka -lssl -lcrypto

# --- the system tests: a machine of its own for each (tests/system/README.md) ----------------------------------------------
SYSTEM_MAINS   := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/system/test_*.c) tests/system/states.c tests/system/shell.c)
SYSTEM_FIXTURE := $(filter-out $(SYSTEM_MAINS:%=%.o),$(call objects,tests/system))
$(BUILD)/tests/system/%: $(BUILD)/tests/system/%.o $(SYSTEM_FIXTURE) $(BUILD)/libcore.a
	$(call say,LD)$(CC) $(LDFLAGS) -o $@ $^ -ljansson -lcmocka

# --- the benchmark: its program, a million events in one process, the empty program that the memory is compared with -------
BENCH := $(addprefix $(BUILD)/tests/bench/,bench events/events empty/empty)

$(BUILD)/tests/bench/bench: $(call objects,tests/bench) $(GATEWAY_FIXTURE) $(BUILD)/tests/ec25/client.o $(BUILD)/libadapters.a $(BUILD)/libcore.a
	$(call say,LD)$(CC) $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS) $(CLI_LIBS) -lcmocka

# The outside is made up: the daemon's queue and callbacks, none of what carries actions out.
$(BUILD)/tests/bench/events/%.o: CPPFLAGS += -Isrc/daemon
$(BUILD)/tests/bench/events/events: $(call objects,tests/bench/events) $(BUILD)/src/daemon/queue.o $(BUILD)/src/daemon/callbacks.o \
                                    $(BUILD)/libadapters.a $(BUILD)/libcore.a
	$(call say,LD)$(CC) $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS)

$(BUILD)/tests/bench/empty/empty: $(call objects,tests/bench/empty)
	$(call say,LD)$(CC) $(LDFLAGS) -o $@ $^ -Wl,--no-as-needed $(DAEMON_LIBS)

# What needs no more than the core and a compiler: a package's build runs these, and qemu-user those of another architecture.
test-core: $(UNIT_TESTS)

# For tests/cross: the packages with the headers and libraries.
print-build-packages:
	@echo $(BUILD_PACKAGES)

test-programs: programs $(UNIT_TESTS) $(ADAPTER_TESTS) $(CLI_TESTS) $(GATEWAY_TESTS) $(ALERT_TESTS) $(EC25_TESTS) $(BUILD)/softec25 $(SIMULATION) \
               $(if $(SANITIZE),,$(SYSTEM_MAINS) $(BENCH))

## make                   build the programs
## make demo              the whole story in one screen: real smsd, software EC25, no hardware
## make check             all tests; its parts: check-unit check-layers check-gateway check-alerts check-simulation check-fuzz
##                        check-sanitizers check-static check-cross check-deb check-system; check-fast: the first three
## make check-system      a virtual machine with the package installed (tests/system/README.md); root
## make bench             the benchmark table
## make deps              install what build, demo and tests need (apt, root)
## make install uninstall DESTDIR, PREFIX and the folders in the Makefile's head are respected
## make deb               the Debian package, in build/deb
# Both install the package.
check check-nightly check-deb check-system: deb

check: have-deps
	@$(MAKE) --no-print-directory -j2 test-programs $(DEB)
	@tests/run $(CHECKS)

check-fast: have-deps
	@$(MAKE) --no-print-directory -j2 test-programs
	@tests/run check-layers check-unit check-gateway

$(CHECKS): have-deps
	@$(MAKE) --no-print-directory -j2 test-programs $(if $(filter check-system,$@),$(DEB))
	@tests/run $@

check-nightly: have-deps
	@$(MAKE) --no-print-directory -j2 test-programs $(DEB)
	@NIGHTLY=1 tests/run $(CHECKS)

demo: have-deps
	@$(MAKE) --no-print-directory -s -j2 programs $(BUILD)/softec25
	@tests/demo/demo

bench: have-deps
	@$(MAKE) --no-print-directory -s -j2 programs $(BUILD)/softec25 $(BENCH) >&2
	@$(BUILD)/tests/bench/bench

# --- install ---------------------------------------------------------------------------------------------------------
# The units name programs by their paths.
UNITS := $(patsubst %,$(BUILD)/%,$(wildcard systemd/*.service systemd/50-smswarden.conf))
$(BUILD)/systemd/%: systemd/% FORCE
	@mkdir -p $(@D)
	@sed -e 's,@SBINDIR@,$(SBINDIR),g' -e 's,@LIBEXECDIR@,$(LIBEXECDIR),g' $< > $@.new
	@cmp -s $@.new $@ && rm -f $@.new || mv $@.new $@
FORCE:

# MODE:SOURCE:TARGET of all that is installed; the uninstall removes the same. $(call into,MODE,FOLDER,SOURCES)
into = $(foreach source,$(3),$(1):$(source):$(2)/$(notdir $(source)))
man  = $(foreach page,$(wildcard docs/man/*.[1-8]),0644:$(page):$(DATADIR)/man/man$(subst .,,$(suffix $(page)))/$(notdir $(page)))
INSTALLED = $(call into,0755,$(SBINDIR),$(BUILD)/smswardend) \
            $(call into,0755,$(BINDIR),$(BUILD)/smswarden) \
            $(call into,0755,$(LIBEXECDIR),$(BUILD)/smswarden-hold $(BUILD)/smswarden-notify $(BUILD)/smswarden-power) \
            $(call into,0755,$(UDEVDIR),$(BUILD)/smswarden-port) \
            $(call into,0644,$(UDEVDIR)/rules.d,$(wildcard udev/*.rules)) \
            $(call into,0644,$(UNITDIR),$(filter %.service,$(UNITS))) \
            $(call into,0644,$(UNITDIR)/smstools.service.d,$(filter %.conf,$(UNITS))) \
            0644:systemd/smswarden.tmpfiles:$(TMPFILESDIR)/smswarden.conf \
            0644:systemd/smswarden.sysusers:$(SYSUSERSDIR)/smswarden.conf \
            $(call into,0644,$(CATALOGDIR),$(wildcard systemd/*.catalog)) \
            $(call into,0644,$(DATADIR)/dbus-1/system.d,$(wildcard systemd/org.smswarden.*.conf)) \
            $(call into,0644,$(DATADIR)/dbus-1/interfaces,$(wildcard systemd/org.smswarden.*.xml)) \
            $(call into,0644,$(DATADIR)/polkit-1/actions,$(wildcard systemd/org.smswarden.*policy)) \
            $(call into,0644,$(DATADIR)/smswarden/profiles.d,$(wildcard profiles.d/*.ini)) \
            $(man)
# Folders that are nobody's but ours.
OWN_FOLDERS = $(LIBEXECDIR) $(DATADIR)/smswarden/profiles.d $(DATADIR)/smswarden $(UNITDIR)/smstools.service.d $(SYSCONFDIR)/smswarden
CONFIG      = $(SYSCONFDIR)/smswarden/smswarden.conf

# A configuration that is there is the user's: never written over, and removed only when nobody has changed it.
install: programs $(UNITS)
	@for entry in $(INSTALLED); do IFS=:; set -- $$entry; install -D -m $$1 $$2 "$(DESTDIR)$$3" || exit 1; done
	@test -e "$(DESTDIR)$(CONFIG)" || install -D -m 0644 docs/smswarden.conf "$(DESTDIR)$(CONFIG)"
	@test -n "$(DESTDIR)" || echo "now: systemd-sysusers smswarden.conf; systemctl daemon-reload; systemd-tmpfiles --create smswarden.conf; systemctl enable --now smswardend"

uninstall:
	@for entry in $(INSTALLED); do rm -f "$(DESTDIR)$${entry##*:}" || exit 1; done
	@! cmp -s docs/smswarden.conf "$(DESTDIR)$(CONFIG)" || rm -f "$(DESTDIR)$(CONFIG)"
	@for folder in $(OWN_FOLDERS); do test ! -d "$(DESTDIR)$$folder" || rmdir --ignore-fail-on-non-empty "$(DESTDIR)$$folder"; done

# --- the Debian package --------------------------------------------------------------------------------------------------
# Built from a copy of what git has, or would take, of this tree: nothing is left beside it, and nothing of build/ gets in.
# What MAKEFLAGS and the environment of this make say is not meant for it. DEB_HOST=arm64 builds for another machine.
DEB_HOST  ?= $(shell dpkg --print-architecture 2>/dev/null)
DEB_CROSS := $(if $(filter-out $(shell dpkg --print-architecture 2>/dev/null),$(DEB_HOST)),-a$(DEB_HOST) -Pcross)
DEB       := $(BUILD)/deb/smswarden_$(VERSION)_$(DEB_HOST).deb

deb: have-deps
	@$(MAKE) --no-print-directory $(if $(V),,-s) $(DEB)

$(DEB): $(shell find Makefile LICENSE debian docs/man docs/smswarden.conf include profiles.d src systemd udev -type f 2>/dev/null)
	$(call say,DEB)debian/build $(@D) $(DEB_CROSS)

# --- the core in a simulated world ---------------------------------------------------------------------------------------
SIMULATION_OBJECTS := $(call objects,tests/simulation)
$(BUILD)/tests/simulation/simulation: $(SIMULATION_OBJECTS) $(BUILD)/libcore.a
	$(CC) $(LDFLAGS) -o $@ $^

clean:
	rm -rf $(BUILD)

-include $(shell test -d $(BUILD) && find $(BUILD) -type d '(' -name cross -o -name vm -o -name deb ')' -prune -o -type f -name '*.d' -print 2>/dev/null)
