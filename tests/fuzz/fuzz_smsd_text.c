/*
 * What smsd writes (a log line, stats/status), the kernel's log and /proc/PID/stat, as hostile text: whatever
 * comes in, what comes out is bounded, ended and free of control characters.
 */
#include "core/kernel_log.h"
#include "core/process.h"
#include "core/smsd_log.h"
#include "core/smsd_status.h"

#include "base/text.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool true_always)
{
        if (!true_always)
                abort();
}

static void check_name(const char *name, size_t size)
{
        size_t length = strnlen(name, size);

        check(length < size);
        for (size_t i = 0; i < length; i++)
                check((unsigned char)name[i] > 0x20 && name[i] != 0x7f);
}

static void fuzz_log(const char *text, size_t length)
{
        struct smsd_log_line line;

        smsd_log_parse(text, length, &line);
        check_name(line.source, sizeof(line.source));
        check_name(line.modem, sizeof(line.modem));
        check(line.level >= -1 && line.level <= 7 && line.pid >= 0);
        check(line.kind <= SMSD_LOG_OTHER_SMSD_RUNNING);
        check(line.kind == SMSD_LOG_OTHER || line.level >= 0);
}

static void fuzz_status(const char *text, size_t length)
{
        static struct smsd_status status;

        check(smsd_status_parse(text, length, &status) == status.n && status.n <= SMSD_MODEMS_MAX);
        for (unsigned i = 0; i < status.n; i++) {
                check_name(status.modems[i].name, sizeof(status.modems[i].name));
                check(strnlen(status.modems[i].since_text, sizeof(status.modems[i].since_text)) <
                      sizeof(status.modems[i].since_text));
                check(status.modems[i].signal_dbm <= 0 && status.modems[i].signal_dbm > -1000);
                check(smsd_status_find(&status, status.modems[i].name) != NULL);
        }
}

static void fuzz_stat(const char *text, size_t length)
{
        char copy[512];
        struct process_stat stat;

        (void)text_copy_n(copy, sizeof(copy), text, length);
        if (process_stat_parse(copy, &stat) == 0)
                check(stat.parent >= 0 && stat.group >= 0 &&
                      strnlen(stat.comm, sizeof(stat.comm)) < sizeof(stat.comm));
}

static void fuzz_kernel(const char *record, size_t length)
{
        struct kernel_line line;

        kernel_line_parse(record, length, &line);
        check((line.kind == KERNEL_USB_ERROR) == (line.usb[0] != '\0'));
        check(strspn(line.usb, "0123456789.-") == strnlen(line.usb, sizeof(line.usb)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        fuzz_kernel((const char *)data, size);
        fuzz_log((const char *)data, size);
        fuzz_status((const char *)data, size);
        fuzz_stat((const char *)data, size);
        return 0;
}
