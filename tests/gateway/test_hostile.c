/*
 * A modem that lies in every word: its USB strings and its answers hold line ends, keys of smsd.conf, escape
 * sequences, NULs, and ten million letters without an end. It is data; nothing of it gets anywhere raw, and
 * the sane modem beside it works.
 */
#include "base/text.h"
#include "ec25/client.h"
#include "gateway_tools.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define EVIL "x\\r\\nalarmhandler=/bin/sh\\n\\e]0;owned\\e[31m\\x9b\\0\\xff\\x80"
/* What a modem says is forgotten again: a few pages may be touched for the first time. */
#define GROWTH_KB 1024

#ifdef __SANITIZE_ADDRESS__
#define MEASURES_MEMORY false /* ASan keeps what was freed */
#else
#define MEASURES_MEMORY true
#endif

static long memory_kb(const struct gateway *g)
{
        char path[64];

        assert_int_equal(text_format(path, sizeof(path), "/proc/%d/status", (int)g->daemon), 0);
        _cleanup_free_ char *status = gateway_read(path);
        const char *line = strstr(status, "\nVmRSS:");
        assert_non_null(line);
        return strtol(line + strlen("\nVmRSS:"), NULL, 10);
}

/* Text for a person: printable, in lines. */
static void assert_printable(const char *what, const char *text, size_t length)
{
        for (size_t i = 0; i < length; i++) {
                unsigned char c = (unsigned char)text[i];
                if ((c < 0x20 && c != '\n') || c == 0x7f ||
                    (c >= 0x80 && c < 0xa0 && i > 0 && text[i - 1] == '\xc2'))
                        fail_msg("byte %02x in %s at %zu: %.60s", c, what, i, text + (i > 40 ? i - 40 : 0));
        }
}

static void assert_file_printable(const char *path)
{
        _cleanup_fclose_ FILE *file = fopen(path, "re");
        static char text[4u << 20];

        assert_non_null(file);
        size_t length = fread(text, 1, sizeof(text), file);
        assert_printable(path, text, length);
        text[length < sizeof(text) ? length : sizeof(text) - 1] = '\0';
        for (const char *at = text; (at = strstr(at, "alarmhandler")); at++)
                if (at == text || at[-1] == '\n')
                        fail_msg("a line of its own in %s: %.60s", path, at);
}

static void assert_folder_printable(const char *folder)
{
        char path[512];
        DIR *stream = opendir(folder);

        assert_non_null(stream);
        for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream)) {
                if (entry->d_type != DT_REG || strstr(entry->d_name, "smsd.conf"))
                        continue;
                assert_int_equal(text_format(path, sizeof(path), "%s/%s", folder, entry->d_name), 0);
                assert_file_printable(path);
        }
        (void)closedir(stream);
}

static void assert_modem_printable(const struct snapshot_modem *m)
{
        const char *const texts[] = {m->name, m->state, m->reason,       m->model,         m->firmware,
                                     m->imei, m->imsi,  m->iccid,        m->usb,           m->device,
                                     m->sim,  m->band,  m->registration, m->operator_name, m->technology};

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                assert_printable("the snapshot", texts[i], strlen(texts[i]));
}

static void assert_snapshot_printable(struct gateway *g)
{
        const struct snapshot *s = gateway_snapshot(g);

        for (unsigned i = 0; i < s->n_modems; i++)
                assert_modem_printable(&s->modems[i]);
        for (unsigned i = 0; i < s->n_others; i++)
                assert_modem_printable(&s->others[i]);
        assert_printable("the reason", s->reason, strlen(s->reason));
        assert_printable("the advice", s->next_action, strlen(s->next_action));
        assert_printable("smsd's error", s->smsd.last_error, strlen(s->smsd.last_error));
        assert_printable("the problem", s->restarts.last.problem, strlen(s->restarts.last.problem));
}

static void nothing_got_through(struct gateway *g)
{
        gateway_slot(g, "GSM1");
        assert_snapshot_printable(g);
        assert_file_printable(g->daemon_log);
        assert_folder_printable(g->state);
        assert_folder_printable(gateway_path(g, "state/modems"));
}

/* Only the devices in smsd.conf may differ, and they are the sane ones. */
static void assert_conf(struct gateway *g, const char *before, unsigned modems)
{
        _cleanup_free_ char *expected = gateway_replaced(before, "", "");

        for (unsigned i = 0; i < modems; i++) {
                char old[32], slot[8], device[192];
                assert_int_equal(text_format(slot, sizeof(slot), "GSM%u", i + 1), 0);
                assert_int_equal(text_format(old, sizeof(old), "/dev/ttyUSB9%u", i), 0);
                const char *name = gateway_device(g, slot);
                assert_true(text_starts_with(name, "ttyUSB"));
                assert_true(text_only(name + strlen("ttyUSB"), "0123456789", 3));
                assert_int_equal(text_format(device, sizeof(device), "%s/%s",
                                             ec25_client_environment(g->modem, "EC25_NODES"), name),
                                 0);
                char *next = gateway_replaced(expected, old, device);
                free(expected);
                expected = next;
        }
        gateway_assert_file(g->conf, expected);
}

static void strings_that_lie(struct gateway *g)
{
        static const char *const keys[] = {"imei", "iccid", "model", "manufacturer", "revision", "operator"};

        _cleanup_free_ char *before = gateway_read(g->conf);
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                gateway_modem(g, "identity 0 %s=" EVIL, keys[i]);
        gateway_plug(g, "manufacturer=" EVIL " product=" EVIL " serial=" EVIL);
        gateway_working(g, 0);
        assert_conf(g, before, 1);
        nothing_got_through(g);
        /* A refused device is named in the log. */
        gateway_modem(g, "unplug 0");
        gateway_wait_down(g);
        gateway_plug(g, "composition=qhsusb_bulk product=" EVIL);
        gateway_wait_modem(g, NULL, "failed", 5000);
        gateway_wait_logged(g, "is not used", 3000);
        nothing_got_through(g);
}

static bool can_send(struct gateway *g, const void *userdata)
{
        (void)userdata;
        return gateway_snapshot(g)->can_send;
}

static bool anybody_sent(struct gateway *g, const void *userdata)
{
        return gateway_sent(g, 0, userdata) + gateway_sent(g, 1, userdata) == 1;
}

static void words_without_an_end(struct gateway *g)
{
        _cleanup_free_ char *before = gateway_read(g->conf);

        gateway_modem(g, "identity 0 imei=@10M model=@100k operator=@100k");
        gateway_modem(g, "plug 1");
        gateway_wait_modem(g, "GSM1", "ready", 10000);
        gateway_wait(g, 15000, "the sane modem works", can_send, NULL);
        long memory = memory_kb(g);
        gateway_plug(g, "");
        gateway_modem(g, "wait-command 0 AT+CGSN 10000 1");
        gateway_send(g, "one", "Beside a flood");
        gateway_wait(g, 15000, "the message is sent", anybody_sent, "Beside a flood");
        gateway_working(g, 0);
        if (MEASURES_MEMORY)
                assert_in_range(memory_kb(g) > memory ? memory_kb(g) - memory : 0, 0, GROWTH_KB);
        nothing_got_through(g);
        assert_string_equal(gateway_slot(g, "GSM2")->imei, "");
        assert_string_equal(gateway_slot(g, "GSM2")->model, "");
        assert_conf(g, before, 2);
}

static const struct gateway_test tests[] = {
    GATEWAY_TEST(strings_that_lie),
    GATEWAY_TEST(words_without_an_end, .modems = 2),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
