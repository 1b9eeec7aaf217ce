/*
 * What people and programs see: golden screens (tests/golden/status/NAME.txt, UPDATE_GOLDEN=1 writes them
 * anew) and the JSON, compared with the documented schema key by key.
 */
#include "../../src/cli/render.h"
#include "../../src/cli/screen.h"

#include "base/file.h"
#include "base/text.h"

#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NOW    INT64_C(1795402800000000) /* 2026-11-23 03:00:00 UTC */
#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

#define SET(field, value) assert_int_equal(text_copy(field, sizeof(field), value), 0)

/* --- situations --- */

static void base(struct snapshot *s, enum verdict verdict, const char *reason, const char *action)
{
        snapshot_init(s);
        s->controller.running = true;
        SET(s->controller.mode, "control");
        SET(s->controller.version, SMSWARDEN_VERSION);
        SET(s->controller.config, "current");
        s->verdict = verdict;
        SET(s->reason, reason);
        SET(s->next_action, action);
        SET(s->smsd.unit.name, "smstools.service");
        s->queues.outgoing = s->queues.checked = s->queues.failed = s->queues.incoming = 0;
}

static void add_modem(struct snapshot *s, const char *name, const char *state)
{
        struct snapshot_modem *modem = &s->modems[s->n_modems++];

        SET(modem->name, name);
        SET(modem->state, state);
        SET(modem->model, "EC25");
        SET(modem->firmware, "EC25EFAR06A06M4G");
        SET(modem->imei, "860000000000000");
        SET(modem->imsi, "262010000000000");
        SET(modem->iccid, "8949000000000000000");
        SET(modem->usb, "1-1.2");
        SET(modem->device, "/dev/ttyUSB2");
        SET(modem->sim, "ready");
        SET(modem->registration, "home");
        SET(modem->operator_name, "Telekom.de");
        SET(modem->technology, "LTE");
        SET(modem->band, "LTE BAND 3");
        modem->interface = 2;
        modem->signal_dbm = -71;
        modem->storage_used = 0;
        modem->storage_total = 255;
}

static void add_smsd(struct snapshot *s)
{
        s->smsd.running = true;
        s->smsd.pid = 1234;
        s->smsd.since = NOW - 2 * HOUR - 5 * MINUTE;
        SET(s->smsd.unit.active, "active");
        SET(s->smsd.unit.sub, "running");
        s->smsd.n_handlers = 1;
        s->smsd.handlers[0].pid = 1240;
        SET(s->smsd.handlers[0].modem, "GSM1");
        SET(s->smsd.handlers[0].device, "/dev/ttyUSB2");
        SET(s->smsd.handlers[0].state, "Idle");
}

static void add_restart(struct snapshot *s, const char *cause, const char *result, const char *problem)
{
        s->restarts.total = 3;
        s->restarts.last.at = NOW - 2 * HOUR - 5 * MINUTE;
        s->restarts.last.ms = 1900;
        SET(s->restarts.last.cause, cause);
        SET(s->restarts.last.result, result);
        SET(s->restarts.last.problem, problem);
}

static struct snapshot_receiver *add_receiver(struct snapshot *s, const char *name, int64_t delivered)
{
        struct snapshot_receiver *receiver = &s->alerts.receivers[s->alerts.n_receivers++];

        SET(receiver->name, name);
        SET(receiver->type, "webhook");
        receiver->delivered = delivered;
        receiver->last_delivered = delivered > 0 ? NOW - 3 * MINUTE : 0;
        s->alerts.waiting = s->alerts.parked = s->alerts.dropped = 0;
        s->alerts.delivered = (s->alerts.delivered < 0 ? 0 : s->alerts.delivered) + delivered;
        if (delivered > 0)
                s->alerts.last = receiver->last_delivered;
        return receiver;
}

static void add_alert(struct snapshot *s, const char *severity, const char *summary, unsigned count)
{
        struct snapshot_alert *alert = &s->alerts.open[s->alerts.n_open++];

        SET(alert->key, "a/key");
        SET(alert->severity, severity);
        SET(alert->summary, summary);
        alert->since = NOW - 2 * MINUTE;
        alert->count = count;
}

static void make_working(struct snapshot *s)
{
        base(s, VERDICT_WORKING, "smsd runs and its modem answers", "nothing");
        s->can_send = s->can_receive = true;
        add_smsd(s);
        add_modem(s, "GSM1", "ready");
        SET(s->evidence, "GSM1: +CPIN: READY, +CREG: 0,1 (asked 2min ago); last message 5min ago");
        SET(s->modems[0].health.state, "well");
        SET(s->modems[0].health.cause, "well");
        SET(s->modems[0].health.what, "it works");
        s->modems[0].health.since = NOW - 2 * HOUR;
        s->modems[0].health.asked = NOW - 2 * MINUTE;
        s->modems[0].health.can_send = s->modems[0].health.can_receive = true;
        add_restart(s, "crash", "ok", "");
        s->queues.incoming = 12;
        (void)add_receiver(s, "mail", 0);
        (void)add_receiver(s, "vps", 12);
        s->traffic.last_sent = NOW - 5 * MINUTE;
        s->traffic.last_received = NOW - 3 * 24 * HOUR;
}

static void make_held(struct snapshot *s)
{
        base(s, VERDICT_HELD, "root holds smsd (new antenna on the roof); it is started again in 24min",
             "nothing, or `smswarden start` to end the hold now");
        add_modem(s, "GSM1", "ready");
        SET(s->smsd.unit.active, "inactive");
        SET(s->smsd.unit.sub, "dead");
        s->hold.active = true;
        SET(s->hold.by, "root");
        SET(s->hold.reason, "new antenna on the roof");
        SET(s->hold.source, "cli");
        s->hold.since = NOW - 6 * MINUTE;
        s->hold.until = NOW + 24 * MINUTE;
        add_restart(s, "stop", "stopped", "");
        s->queues.outgoing = 4;
        s->queues.oldest_s = 300;
}

static void make_down(struct snapshot *s)
{
        base(s, VERDICT_DOWN, "no modem is plugged in",
             "plug the modem in; smsd is started as soon as it is ready");
        SET(s->modems[0].name, "GSM1");
        SET(s->modems[0].state, "absent");
        s->modems[0].interface = s->modems[0].storage_used = s->modems[0].storage_total = -1;
        s->n_modems = 1;
        add_restart(s, "unplug", "stopped", "");
        add_alert(s, "critical", "modem GSM1 is not plugged in", 1);
        struct snapshot_receiver *vps = add_receiver(s, "vps", 12);
        vps->failing_since = NOW - MINUTE;
        SET(vps->problem, "connection refused");
        s->alerts.waiting = 2;
        s->queues.checked = 17;
        s->queues.oldest_s = 7500;
}

static void make_degraded(struct snapshot *s)
{
        base(s, VERDICT_DEGRADED,
             "GSM1: smsd blocks sending after three failures in a row; it tries again after an hour",
             "find out why sending fails (credit, network, message centre), then run `smswarden restart`");
        s->can_receive = true;
        add_smsd(s);
        SET(s->smsd.handlers[0].state, "Blocked");
        SET(s->smsd.last_error, "GSM1: Fatal error: sending failed 3 times. Blocking 3600 sec.");
        SET(s->smsd.unit.active, "failed");
        SET(s->smsd.unit.sub, "failed");
        add_modem(s, "GSM1", "ready");
        s->modems[0].storage_used = 255;
        s->modems[0].signal_dbm = -109;
        SET(s->evidence, "GSM1: smsd blocks sending after failures");
        SET(s->modems[0].health.state, "ill");
        SET(s->modems[0].health.cause, "sending-blocked");
        SET(s->modems[0].health.what, "smsd blocks sending");
        SET(s->modems[0].health.evidence, "smsd blocks sending after failures");
        s->modems[0].health.since = NOW - 5 * MINUTE;
        s->modems[0].health.asked = NOW - 20 * SECOND;
        add_restart(s, "plug", "unverified",
                    "the modem has not answered smsd within 30s although it answered the probe before that");
        s->queues.failed = 3;
        SET(s->controller.config, "last-good");
        for (unsigned i = 0; i < 8; i++)
                add_alert(s, i < 2 ? "critical" : "warning", "something is wrong", i);
        struct snapshot_receiver *mail = add_receiver(s, "mail", 0);
        mail->parked = 3;
        SET(mail->problem, "550 no such mailbox");
        SET(add_receiver(s, "ntfy", 1)->problem, "its state cannot be read: Permission denied");
        s->alerts.parked = 3;
        s->alerts.dropped = 5;
}

static void make_recovering(struct snapshot *s)
{
        base(s, VERDICT_RECOVERING, "the modem at 1-1.2 is not ready: waiting for its first answer",
             "nothing: a modem needs up to a minute after it gets power");
        add_modem(s, "GSM1", "probing");
        SET(s->modems[0].reason, "waiting for its first answer");
        s->n_others = 1;
        s->others[0] = s->modems[0];
        SET(s->others[0].name, "");
        SET(s->others[0].usb, "1-1.3");
        SET(s->others[0].state, "failed");
        SET(s->others[0].reason, "its firmware crashed (QHSUSB__BULK): cut its power for ten seconds");
        SET(s->controller.mode, "observe");
}

static void make_no_controller(struct snapshot *s)
{
        base(s, VERDICT_DEGRADED, "no controller is running; smsd runs and has its modem open",
             "start the controller: `smswardend`, as root");
        memset(&s->controller, 0, sizeof(s->controller));
        s->can_send = s->can_receive = true;
        add_smsd(s);
        SET(s->modems[0].name, "GSM1");
        SET(s->modems[0].state, "ready");
        SET(s->modems[0].device, "/dev/smswarden/GSM1");
        s->modems[0].interface = s->modems[0].storage_used = s->modems[0].storage_total = -1;
        s->n_modems = 1;
        s->queues.outgoing = s->queues.checked = s->queues.failed = s->queues.incoming = -1;
}

/* A modem and a person that mean harm. */
static void make_hostile(struct snapshot *s)
{
        make_working(s);
        SET(s->modems[0].model, "EC\033[31m25\r\n\xe2\x80\xae\xff");
        SET(s->modems[0].health.evidence, "+CREG: \033[31m\r\n");
        SET(s->evidence, "GSM1: +CREG: \033[31m\r\n");
        SET(s->reason,
            "already \\x1b escaped, and a word that is longer than the line: "
            "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123"
            "456789 end");
        SET(s->alerts.receivers[0].problem, "550 \033[2J\n\xff");
        add_alert(s, "critical", "\033[31m", 3);
        SET(s->smsd.last_error, "\xc3\xa4\xc3\xb6\xc3\xbc cut in half \xc3");
}

static const struct {
        const char *name;
        void (*make)(struct snapshot *s);
} situations[] = {
    {"working", make_working},
    {"held", make_held},
    {"down", make_down},
    {"degraded", make_degraded},
    {"recovering", make_recovering},
    {"no-controller", make_no_controller},
    {"hostile", make_hostile},
};

/* --- text --- */

static char *render(const struct snapshot *s, bool colour)
{
        char *text = NULL;
        size_t size = 0;
        struct screen screen = {.file = open_memstream(&text, &size), .colour = colour};

        assert_non_null(screen.file);
        render_text(&screen, s, NOW);
        assert_int_equal(fclose(screen.file), 0);
        return text;
}

static void compare_golden(const char *name, const char *text)
{
        _cleanup_free_ char *golden = NULL;
        size_t length = 0;
        char path[128];

        (void)text_format(path, sizeof(path), "tests/golden/status/%s.txt", name);
        if (getenv("UPDATE_GOLDEN"))
                assert_int_equal(file_replace(path, text, strlen(text), 0644), 0);
        assert_int_equal(file_read(path, 0, 65536, &golden, &length), 0);
        assert_string_equal(text, golden);
}

static void test_golden_screens(void **state _unused_)
{
        _cleanup_free_ struct snapshot *s = calloc(1, sizeof(*s));

        for (unsigned i = 0; i < ARRAY_SIZE(situations); i++) {
                situations[i].make(s);
                _cleanup_free_ char *text = render(s, false);
                compare_golden(situations[i].name, text);
        }
}

/* No line is wider than the screen but one that is a single word; nothing in it steers the terminal. */
static void test_lines_fit(void **state _unused_)
{
        _cleanup_free_ struct snapshot *s = calloc(1, sizeof(*s));

        for (unsigned i = 0; i < ARRAY_SIZE(situations); i++) {
                situations[i].make(s);
                _cleanup_free_ char *text = render(s, false);
                for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
                        const char *word = line + strspn(line, " ");
                        assert_true(screen_columns(line, strlen(line)) <= SCREEN_WIDTH || !strchr(word, ' '));
                        assert_true(line[strlen(line) - 1] != ' ');
                        for (const char *c = line; *c; c++)
                                assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
                }
        }
}

/* Colour adds its sequences and changes nothing else; each is ended on its line. */
static void test_colour(void **state _unused_)
{
        _cleanup_free_ struct snapshot *s = calloc(1, sizeof(*s));

        make_hostile(s);
        _cleanup_free_ char *plain = render(s, false), *coloured = render(s, true);
        char *to = coloured;
        unsigned open = 0;
        assert_non_null(strstr(coloured, "\033[1;32mWORKING\033[0m"));
        for (const char *from = coloured; *from; from++) {
                if (*from == '\033') {
                        open = from[2] != '0';
                        from = strchr(from, 'm');
                        continue;
                }
                assert_false(*from == '\n' && open);
                *to++ = *from;
        }
        *to = '\0';
        assert_string_equal(plain, coloured);
}

static void test_ages(void **state _unused_)
{
        static const struct {
                snapshot_time_t offset;
                const char *text;
        } cases[] = {
            {0, "now"},
            {-400000, "now"},
            {-SECOND, "1s ago"},
            {-61 * SECOND, "1min 1s ago"},
            {20 * MINUTE - 3, "in 20min"},
            {-(2 * HOUR + 5 * MINUTE + 29 * SECOND), "2h 5min ago"},
            {90 * SECOND, "in 1min 30s"},
            {-NOW, "20780d 3h ago"},
        };
        char text[48];

        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                render_age(text, sizeof(text), NOW + cases[i].offset, NOW);
                assert_string_equal(text, cases[i].text);
        }
}

/* --- JSON --- */

#define MODEM_KEYS                                                                                           \
        "name state model firmware imei imsi usb device interface iccid sim registration operator "          \
        "technology band signal_dbm storage reason health recovery"

/* The documented keys of every object, by the path to it; an index stands for its array. */
static const struct {
        const char *path;
        const char *keys;
} schema[] = {
    {"", "schema controller verdict reason next_action can_send can_receive smsd hold modems restarts alerts "
         "queues "
         "traffic other_modems evidence"},
    {"/controller", "running mode version config"},
    {"/smsd", "running pid since handlers unit last_error"},
    {"/smsd/handlers/0", "modem pid device state"},
    {"/smsd/unit", "name active sub"},
    {"/hold", "active by reason since until source"},
    {"/modems/0", MODEM_KEYS},
    {"/modems/0/storage", "used total"},
    {"/modems/0/health", "state cause failure since asked can_send can_receive what evidence next_action"},
    {"/restarts", "total last"},
    {"/restarts/last", "at cause result ms problem"},
    {"/alerts", "waiting delivered last parked dropped open receivers"},
    {"/alerts/open/0", "key severity summary since count"},
    {"/alerts/receivers/0",
     "name type delivered parked last_delivered failing_since problem test test_delivered"},
    {"/queues", "outgoing checked failed incoming quarantine oldest_s"},
    {"/traffic", "last_sent last_received"},
    {"/other_modems/0", MODEM_KEYS},
    {"/other_modems/0/storage", "used total"},
};

static json_t *at_path(json_t *root, const char *path)
{
        char copy[64], *rest = NULL;

        (void)text_copy(copy, sizeof(copy), path);
        for (char *key = strtok_r(copy, "/", &rest); key && root; key = strtok_r(NULL, "/", &rest))
                root = json_is_array(root) ? json_array_get(root, strtoul(key, NULL, 10))
                                           : json_object_get(root, key);
        return root;
}

static json_t *render_and_parse(struct snapshot *s)
{
        _cleanup_free_ char *text = NULL;
        size_t size = 0;
        FILE *file = open_memstream(&text, &size);

        assert_non_null(file);
        assert_int_equal(render_json(file, s), 0);
        assert_int_equal(fclose(file), 0);
        assert_ptr_equal(strchr(text, '\n'), text + size - 1); /* one line */
        json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(root);
        return root;
}

static void check_keys(json_t *object, const char *wanted)
{
        char keys[512] = "";
        const char *key;
        json_t *value;

        assert_true(json_is_object(object));
        json_object_foreach(object, key, value)(void)
            text_append(keys, sizeof(keys), "%s%s", keys[0] ? " " : "", key);
        assert_string_equal(keys, wanted);
}

static void test_json_has_every_key(void **state _unused_)
{
        _cleanup_free_ struct snapshot *s = calloc(1, sizeof(*s));

        for (unsigned k = 0; k < 2; k++) {
                if (k == 0) {
                        make_working(s);
                        s->others[0] = s->modems[0];
                } else {
                        snapshot_init(s); /* nothing is known at all */
                        s->n_modems = s->smsd.n_handlers = 1;
                }
                s->alerts.n_open = s->alerts.n_receivers = 1;
                s->n_others = 1;
                json_t *root = render_and_parse(s);
                for (unsigned i = 0; i < ARRAY_SIZE(schema); i++)
                        check_keys(at_path(root, schema[i].path), schema[i].keys);
                json_decref(root);
        }
}

static void test_json_values(void **state _unused_)
{
        _cleanup_free_ struct snapshot *s = calloc(1, sizeof(*s));

        make_hostile(s);
        json_t *root = render_and_parse(s);
        assert_int_equal(json_integer_value(at_path(root, "/schema")), 1);
        assert_string_equal(json_string_value(at_path(root, "/verdict")), "working");
        assert_true(json_is_true(at_path(root, "/can_send")));
        assert_string_equal(json_string_value(at_path(root, "/smsd/since")), "2026-11-23T00:55:00Z");
        assert_int_equal(json_integer_value(at_path(root, "/modems/0/signal_dbm")), -71);
        assert_int_equal(json_integer_value(at_path(root, "/modems/0/storage/used")), 0);
        assert_true(json_is_null(at_path(root, "/hold/by")));
        assert_true(json_is_null(at_path(root, "/hold/since")));
        assert_true(json_is_null(at_path(root, "/queues/oldest_s")));
        assert_true(json_is_null(at_path(root, "/modems/0/reason")));
        assert_string_equal(json_string_value(at_path(root, "/modems/0/model")),
                            "EC\\x1b[31m25\\r\\n\\xe2\\x80\\xae\\xff");
        json_decref(root);
}

static void test_json_to_a_full_disk(void **state _unused_)
{
        _cleanup_free_ struct snapshot *s = calloc(1, sizeof(*s));
        _cleanup_fclose_ FILE *file = fopen("/dev/full", "we");

        assert_non_null(file);
        assert_int_equal(setvbuf(file, NULL, _IONBF, 0), 0);
        make_working(s);
        assert_int_equal(render_json(file, s), -EIO);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_golden_screens),
            cmocka_unit_test(test_lines_fit),
            cmocka_unit_test(test_colour),
            cmocka_unit_test(test_ages),
            cmocka_unit_test(test_json_has_every_key),
            cmocka_unit_test(test_json_values),
            cmocka_unit_test(test_json_to_a_full_disk),
        };

        if (setenv("TZ", "UTC", 1) < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
