# smswarden: build, tests, install. `make help` lists the targets; the names are a contract (docs/contributing.md).
BUILD    ?= build
PREFIX   ?= /usr
SANITIZE ?=
VERSION  := 0.1.0

CC       ?= cc
WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings \
            -Wimplicit-fallthrough -Wundef -Wvla -Werror
HARDEN   := -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2 -fPIE -Wformat -Wformat-security
OPTIMISE ?= -O2 -g
ifneq ($(SANITIZE),)
  HARDEN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -fPIE
  OPTIMISE := -O1 -g
  SANFLAGS := -fsanitize=address,undefined
endif
CPPFLAGS += -Iinclude -D_GNU_SOURCE -DSMSWARDEN_VERSION='"$(VERSION)"'
CFLAGS   += -std=c17 $(OPTIMISE) $(WARNINGS) $(HARDEN) -MMD -MP
LDFLAGS  += -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed $(SANFLAGS)

DAEMON_LIBS := -lsystemd -ludev -lserialport -linih
CLI_LIBS    := -lsystemd -ljansson -linih

objects = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(1)/*.c))

CORE_OBJECTS    := $(call objects,src/base) $(call objects,src/core)
ADAPTER_OBJECTS := $(call objects,src/adapters)
DAEMON_OBJECTS  := $(call objects,src/daemon)
CLI_OBJECTS     := $(call objects,src/cli)

PROGRAMS := $(BUILD)/smswardend $(BUILD)/smswarden

UNIT_TESTS    := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))
ADAPTER_TESTS := $(patsubst tests/adapters/%.c,$(BUILD)/tests/adapters/%,$(wildcard tests/adapters/test_*.c))
GATEWAY_TESTS := $(patsubst tests/gateway/%.c,$(BUILD)/tests/gateway/%,$(wildcard tests/gateway/test_*.c))

.PHONY: all deps have-deps clean help
.SECONDARY:

all: have-deps
	@$(MAKE) --no-print-directory $(PROGRAMS)

# --- libraries and programs -------------------------------------------------------------------------------------------
$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/libcore.a: $(CORE_OBJECTS)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/libadapters.a: $(ADAPTER_OBJECTS)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/smswardend: $(DAEMON_OBJECTS) $(BUILD)/libadapters.a $(BUILD)/libcore.a
	$(CC) $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS)

$(BUILD)/smswarden: $(CLI_OBJECTS) $(BUILD)/libadapters.a $(BUILD)/libcore.a
	$(CC) $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS) $(CLI_LIBS)

# --- tests ------------------------------------------------------------------------------------------------------------
# A unit test sees the core alone: a library call in the core fails here, at the link.
$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/libcore.a
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka

$(BUILD)/tests/adapters/%: $(BUILD)/tests/adapters/%.o $(BUILD)/libadapters.a $(BUILD)/libcore.a
	$(CC) $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS) $(CLI_LIBS) -lcmocka

# --- the software EC25: the AT model, its pty transport, the USB tree that umockdev shows to libudev ---------------------
# client.o is linked into other tests as well; the tests of the software EC25 itself have a main of their own.
EC25_OBJECTS := $(filter-out $(BUILD)/tests/ec25/test_%.o,$(call objects,tests/ec25))
EC25_TESTS   := $(patsubst tests/ec25/%.c,$(BUILD)/tests/ec25/%,$(wildcard tests/ec25/test_*.c))
$(BUILD)/tests/%.o: CPPFLAGS += -Itests
$(BUILD)/softec25: $(EC25_OBJECTS) $(BUILD)/libcore.a
	$(CC) $(LDFLAGS) -o $@ $^

$(BUILD)/tests/ec25/test_softec25 $(BUILD)/tests/ec25/test_hotplug: | $(BUILD)/softec25
$(BUILD)/tests/ec25/test_%: $(BUILD)/tests/ec25/test_%.o $(filter-out %/main.o,$(EC25_OBJECTS)) $(BUILD)/libcore.a
	$(CC) $(LDFLAGS) -o $@ $^ -ludev -lcmocka

clean:
	rm -rf $(BUILD)

-include $(shell test -d $(BUILD) && find $(BUILD) -name '*.d' 2>/dev/null)
