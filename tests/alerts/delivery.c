/*
 * smswarden-notify on a test's spool, see delivery.h.
 */
#include "delivery.h"

#include "server.h"

#include "adapters/alert_json.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "temp_folder.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void delivery_set_up(struct delivery_fixture *f)
{
        *f = (struct delivery_fixture){.folder = "/tmp/smswarden-delivery-XXXXXX"};
        assert_non_null(mkdtemp(f->folder));
        (void)text_format(f->spool, sizeof(f->spool), "%s/spool", f->folder);
        (void)text_format(f->state, sizeof(f->state), "%s/state", f->folder);
        (void)text_format(f->config, sizeof(f->config), "%s/smswarden.conf", f->folder);
        (void)text_format(f->log, sizeof(f->log), "%s/notify.log", f->folder);
        assert_int_equal(mkdir(f->spool, 0750), 0);
        assert_int_equal(mkdir(f->state, 0750), 0);
}

void delivery_tear_down(struct delivery_fixture *f)
{
        temp_folder_remove(f->folder);
}

void delivery_configure(struct delivery_fixture *f, const char *format, ...)
{
        char text[2048];
        va_list arguments;

        va_start(arguments, format);
        int length = vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        assert_in_range(length, 1, sizeof(text) - 1);
        assert_int_equal(file_replace(f->config, text, (size_t)length, 0600), 0);
}

void delivery_spool(struct delivery_fixture *f, const struct alert_message *message)
{
        _cleanup_free_ char *text = NULL;
        char path[192];
        size_t length;

        assert_int_equal(alert_json_encode(message, &text, &length), 0);
        assert_int_equal(text_format(path, sizeof(path), "%s/%020" PRIu64 "-%s.json", f->spool,
                                     message->sequence, severity_to_string(message->alert.severity)),
                         0);
        assert_int_equal(file_replace(path, text, length, 0640), 0);
}

/* BUILD/smswarden-notify: we are BUILD/tests/alerts/test_NAME. */
static void find_program(char *target, size_t size)
{
        char self[256];
        ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

        assert_in_range(length, 1, sizeof(self) - 2);
        self[length] = '\0';
        for (unsigned i = 0; i < 3; i++) {
                char *slash = strrchr(self, '/');
                assert_non_null(slash);
                *slash = '\0';
        }
        assert_int_equal(text_format(target, size, "%s/smswarden-notify", self), 0);
}

void delivery_run(struct delivery_fixture *f)
{
        char program[320];

        find_program(program, sizeof(program));
        const char *const argv[] = {program,  "--config", f->config, "--spool",
                                    f->spool, "--state",  f->state,  NULL};
        assert_int_equal(run_program(argv, f->log), 0);
}

void delivery_deliver(struct delivery_fixture *f, const struct alert_message *message)
{
        delivery_spool(f, message);
        delivery_run(f);
}
