/*
 * Looks once, before the loop begins, at the unit that systemd runs smsd by, and says aloud what in it works
 * against us: a second restarter, a stop that cuts off messages, a mask. Nothing is changed: whose file it is
 * must correct it. This is the daemon's only call that waits, two seconds at the most when systemd hangs.
 */
#include "daemon.h"

#include "adapters/systemd_manager.h"
#include "base/cleanup.h"
#include "base/log.h"

#include <string.h>

#define TIMEOUT      (2 * USEC_PER_SEC / 3) /* of each of three calls */
#define FINDINGS_MAX 32

static void tell(const char *unit, const struct unit_finding *finding)
{
        log_line(unit_problem_is_fatal(finding->problem) ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "%s: %s; %s",
                 unit, finding->what, finding->fix);
}

void daemon_tell_unit_findings(const struct daemon *daemon)
{
        _cleanup_(systemd_manager_cleanup) struct systemd_manager *manager = NULL;
        _cleanup_free_ struct unit_properties *unit = malloc(sizeof(*unit));
        _cleanup_free_ struct unit_finding *findings = calloc(FINDINGS_MAX, sizeof(*findings));
        const struct config *config = &daemon->config;
        const struct unit_wanted wanted = {.smsd = config->smsd, .smsd_conf = config->smsd_conf};

        if (config->control == CONTROL_DIRECT || !unit || !findings)
                return;
        int r = systemd_manager_new_at(&manager, NULL, TIMEOUT);
        if (r == -ENOTCONN)
                return; /* another init */
        if (r >= 0)
                r = systemd_manager_unit_properties(manager, config->unit, unit);
        if (r < 0) {
                log_warning("systemd does not say how it runs %s: %s", config->unit, strerror(-r));
                return;
        }
        size_t n = unit_check(unit, &wanted, findings, FINDINGS_MAX);
        for (size_t i = 0; i < n && i < FINDINGS_MAX; i++)
                tell(config->unit, &findings[i]);
}
