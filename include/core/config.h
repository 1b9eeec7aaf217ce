/*
 * The configuration as a checked struct. The INI text is read by an adapter (inih), which hands every key to
 * config_set; what is allowed, and what the message says when it is not, is decided here.
 */
#ifndef CORE_CONFIG_H
#define CORE_CONFIG_H

#include "base/usec.h"
#include "core/provision.h"
#include "core/smsd_conf.h"
#include "core/usb_device.h"

#include <stdbool.h>

#define CONFIG_FILE_DEFAULT  "/etc/smswarden/smswarden.conf"
#define CONFIG_PATH_MAX      256
#define CONFIG_RECEIVERS_MAX 16

enum gateway_mode { MODE_CONTROL, MODE_OBSERVE };
enum control_backend { CONTROL_AUTO, CONTROL_SYSTEMD, CONTROL_DIRECT };
enum hotplug_source { HOTPLUG_AUTO, HOTPLUG_UDEV, HOTPLUG_SYSFS };
enum system_bus { SYSTEM_BUS_AUTO, SYSTEM_BUS_OFF };
enum match_kind { MATCH_AUTO, MATCH_IMEI, MATCH_IMSI, MATCH_USB, MATCH_DEVICE };
enum manage_what { MANAGE_DEVICE, MANAGE_PROFILE };
enum severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_CRITICAL };

struct modem_config {
        char name[SMSD_MODEM_NAME_MAX]; /* the section of smsd.conf that this modem feeds */
        enum match_kind match;
        char match_value[DEVICE_NODE_MAX];
        char profile[32]; /* "auto" or a profile's name */
        char link[32];    /* another name of its AT port below /dev, "" none */
        enum manage_what manage;
        usec_t boot_timeout;               /* 0: its profile's */
        char pin_imei[16];                 /* the one modem that is let in; "" any */
        char health_port[DEVICE_NODE_MAX]; /* "auto": its second AT port; "none": smsd's own signs suffice; or
                                              a path */
        bool ganged_power;                 /* its hub's power may be cut although other ports lose theirs */
};

struct receiver_config { /* [notify NAME] */
        char name[32];
        char type[16];
        char url[512]; /* exec: the program's path; sms: the number */
        enum severity min_severity;
        char match[256];                /* blank separated patterns (* ?) of kinds or keys, "" all */
        bool plain_http;                /* http:// without TLS is meant (inside a VPN) */
        char ca_file[CONFIG_PATH_MAX];  /* "" the system's */
        char url_file[CONFIG_PATH_MAX]; /* the address is a secret: it is in this file; or a credential's name
                                         */
        char user[128];
        char password_file[CONFIG_PATH_MAX]; /* a path, or the name of a systemd credential */
        char token_file[CONFIG_PATH_MAX];
        char template_text[512]; /* webhook: `template`, JSON with {placeholders} */
        char template_file[CONFIG_PATH_MAX];
        char interface[16];      /* vps-*: whose address is told, "wg0" */
        char from[128], to[256]; /* smtp; several in `to` have a comma between, and no blank */
        unsigned budget;         /* sms: at most so many a day */
};

struct alerts_config {        /* [alerts] */
        unsigned spool_files; /* the spool's bounds */
        uint64_t spool_bytes;
        unsigned incoming_unread;        /* more unread files than this are an alert, 0 never */
        unsigned modem_timeouts;         /* more in ten minutes than this, 0 never */
        usec_t sms_after;                /* every network way has failed for so long: alert by sms */
        char state_dir[CONFIG_PATH_MAX]; /* smswarden-notify's own folder */
};

struct heartbeat_config { /* [heartbeat] */
        char url[512];    /* "" none */
        char url_file[CONFIG_PATH_MAX];
        usec_t every;
        bool get; /* method = get: no body */
        bool plain_http;
        char ca_file[CONFIG_PATH_MAX];
        char token_file[CONFIG_PATH_MAX];
};

struct provision_settings { /* [provision] */
        struct provision_config config;
        bool reset; /* what needs one to take effect gets it */
};

struct profile;
struct profile_table;

struct recovery_config {     /* [recovery] */
        bool automatic;      /* no: only by hand, `smswarden reset-modem` */
        usec_t silent_after; /* smsd has had no answer for so long: the modem is taken for silent */
        unsigned resets_per_hour, resets_per_day;
        unsigned route_resets_per_hour, route_resets_per_day; /* of a modem with the default route */
        unsigned stops_per_hour, stops_per_day;               /* of smsd, for one modem's sake */
        char power_command[CONFIG_PATH_MAX];                  /* "" none */
};

struct config {
        const struct profile_table *profiles; /* borrowed; NULL: the built-in ones */
        enum gateway_mode mode;
        enum control_backend control;
        enum hotplug_source hotplug; /* auto: udev where udevd runs, else the kernel's events and sysfs */
        enum system_bus system_bus;  /* auto: on it whenever there is one; off: RUNTIME_DIR/bus only */
        char unit[CONFIG_PATH_MAX];
        char smsd[CONFIG_PATH_MAX];
        char smsd_conf[CONFIG_PATH_MAX];
        char smsd_user[32]; /* direct backend: the account smsd runs as; "auto": `smsd` where it exists and we
                               are root, "": the daemon's own */
        char smsd_group[32]; /* direct backend: "auto": dialout, "" the account's own */
        char runtime_dir[CONFIG_PATH_MAX];
        char state_dir[CONFIG_PATH_MAX];
        usec_t hold_default;
        usec_t hold_maximum;
        usec_t hold_notify_after;
        char legacy_flag[CONFIG_PATH_MAX]; /* "" or none: no flag is looked at */
        char legacy_owners[256];           /* blank separated: user or @group */
        usec_t backoff_max;
        unsigned n_modems; /* 0: one per name in smsd.conf's `devices`, match = auto */
        struct modem_config modems[SMSD_MODEMS_MAX];
        unsigned n_receivers;
        struct receiver_config receivers[CONFIG_RECEIVERS_MAX];
        struct alerts_config alerts;
        struct heartbeat_config heartbeat;
        unsigned retry_failed; /* [queue]: how often a failed message is sent again by itself, 0 never */
        struct provision_settings provision;
        bool storage_cleanup; /* [storage] cleanup */
        struct recovery_config recovery;
};

struct config_error {
        char message[384]; /* without file and line; says what is allowed; foreign text escaped */
};

/* The same with its place: what the adapters that read files tell. */
struct config_file_error {
        char file[512];    /* escaped for display */
        unsigned line;     /* 1-based, 0: concerns the file or the whole */
        char message[960]; /* one printable sentence; begins with file and line */
};

/* The defaults of docs/configuration.md: an empty file runs an EC25 box with Debian's smstools. */
void config_init(struct config *config);

/*
 * Copies all but the places behind n_modems and n_receivers, which are nobody's and stay as they are in the
 * target: a copy takes the memory of what it holds, not of the 64 modems and 16 receivers that it could.
 */
void config_copy(struct config *target, const struct config *source);

/* The defaults of one modem. */
void modem_config_init(struct modem_config *modem, const char *name);

/* The defaults of one receiver. */
void receiver_config_init(struct receiver_config *receiver, const char *name);

/* The defaults of the heartbeat: none is sent. */
void heartbeat_config_init(struct heartbeat_config *heartbeat);

/*
 * Folds the sections into the one whose settings a USB device takes before anything is known of its SIM: the
 * one that names its path, else the first that names no place. `best` is the result so far (NULL none).
 */
const struct modem_config *modem_config_prefer(const struct modem_config *best,
                                               const struct modem_config *candidate, const char *usb_path);

/* One `key = value` of `[section]`. Returns 0, or -EINVAL / -E2BIG with the message filled; the config is
 * unchanged then. */
int config_set(struct config *config, const char *section, const char *key, const char *value,
               struct config_error *ret_error);

/*
 * Opens `[section]` without a key: an empty `[modem NAME]` or `[notify NAME]` counts, an unknown section is
 * refused even when it is empty. Same results as config_set.
 */
int config_open_section(struct config *config, const char *section, struct config_error *ret_error);

/* How long the modem may take to answer: what its section says, else its profile, else 90 s. Both may be
 * NULL.
 */
usec_t config_boot_timeout(const struct modem_config *modem, const struct profile *profile);

/* Every `profile` is in config->profiles. 0, or -EINVAL and the message says which there are. */
int config_check_profiles(const struct config *config, struct config_error *ret_error);

/* Tells one [provision] from another; 0 stands for one that asks for nothing. */
uint64_t config_provision_hash(const struct provision_config *config);

/* What only the whole can show: hold.default <= hold.maximum, two modems with the same match, absolute paths,
 * a receiver without type, with an address that its type cannot use or with keys of another type. 0 or
 * -EINVAL. */
int config_check(const struct config *config, struct config_error *ret_error);

/*
 * Whether a receiver of this type ("heartbeat": the heartbeat) can use the address: its scheme, its host,
 * without TLS only when that is meant (`plain_http`) or to this box itself. `secret`: it comes from a
 * url_file, so that user:password@ may stand in it. For what config_check() cannot see: whoever reads a
 * url_file asks again. 0, or -EINVAL and `problem` goes on "url: ...", without the address.
 */
int config_address_check(const char *type, const char *url, bool plain_http, bool secret, char *problem,
                         size_t size);

/* The host of the address is this box (127.0.0.1, [::1], localhost): no TLS is needed on the way. */
bool config_address_is_local(const char *url);

/* The inverse of severity_to_string(), of `length` bytes; -EINVAL for another word. */
int severity_from_string(const char *word, size_t length, enum severity *ret_severity);

/* It goes out by our own gateway. */
bool receiver_is_sms(const struct receiver_config *receiver);

const char *gateway_mode_to_string(enum gateway_mode mode); /* control observe */
const char *severity_to_string(enum severity severity);     /* info warning critical */

#endif
