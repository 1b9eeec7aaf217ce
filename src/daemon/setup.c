/*
 * What [provision] needs of the outside: the access point name of a SIM's operator, and the note on disk that
 * a modem is about to be reset.
 */
#include "daemon.h"

#include "adapters/apn_database.h"
#include "base/log.h"
#include "base/text.h"

#include <string.h>

/* A name is taken when the operator is clear. Several operators with the same numbers are a guess, and a
 * wrong name can keep the modem off the network: that is a person's choice. */
static void take_answer(const struct apn_answer *answer, struct apn_event *apn)
{
        if (answer->providers > 1) {
                (void)text_format(apn->why, sizeof(apn->why),
                                  "%u operators fit: write apn = NAME, see the log", answer->providers);
                log_notice("the SIM's operator (%s) may be %s with the access point name %s, or another: %s",
                           answer->network, answer->provider, answer->apn, answer->others);
                return;
        }
        (void)text_copy(apn->apn, sizeof(apn->apn), answer->apn);
        log_info("the access point name of %s (%s) is %s%s%s", answer->provider, answer->network, answer->apn,
                 answer->others[0] ? "; it has others: " : "", answer->others);
}

void daemon_find_apn(struct daemon *daemon, const struct action *action)
{
        struct apn_event *apn = &daemon_enqueue(daemon, EVENT_APN)->apn;
        struct apn_answer answer;
        int r = apn_database_find(APN_DATABASE_PATH, action->apn.imsi, 0, action->apn.provider, &answer);

        (void)text_copy(apn->imsi, sizeof(apn->imsi), action->apn.imsi);
        if (r == 0)
                take_answer(&answer, apn);
        else if (r == APN_DATABASE_MISSING)
                (void)text_copy(apn->why, sizeof(apn->why),
                                "the package mobile-broadband-provider-info is not installed");
        else if (r > 0)
                (void)text_copy(apn->why, sizeof(apn->why), "none is known for this SIM: write apn = NAME");
        else
                (void)text_format(apn->why, sizeof(apn->why), "the list of operators cannot be read: %.40s",
                                  strerror(-r));
}

void daemon_note_reset(struct daemon *daemon, const struct action *action)
{
        struct event *event = daemon_enqueue(daemon, EVENT_RESET_NOTED);

        (void)text_copy(event->noted.modem, sizeof(event->noted.modem), action->modem.name);
        event->noted.result = daemon_save_modem(daemon, &action->modem);
        if (event->noted.result < 0)
                log_error("modem %s is not reset, for that cannot be noted in %s: %s", action->modem.name,
                          daemon->config.state_dir, strerror(-event->noted.result));
}
