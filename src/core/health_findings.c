/*
 * The verdict as a table of findings, see core/health.h: the first that applies is it. Order is the
 * knowledge here: what explains more stands first (a modem that is not fed well is silent too), what only a
 * guess would call a failure stands last. A finding without a failure kind is one that no step on the modem
 * would mend: the one path of restarts, or a person, does.
 */
#include "health_private.h"

#include "base/parse.h"
#include "base/text.h"

struct finding {
        const char *cause;
        enum failure_kind kind;
        enum health_state state;
        bool sends, receives; /* it still can */
        enum alert_kind alert;
        enum severity severity;
        const char *what;   /* NULL: failure_describe() */
        const char *action; /* NULL: failure_advice() */
        bool (*applies)(const struct health_picture *picture, char *evidence);
};

/* --- helpers --- */

static const struct modem_facts *facts_of(const struct health_picture *picture)
{
        return picture->answers ? &picture->answers->facts : NULL;
}

static const char *said(const struct health_picture *picture, enum health_question question)
{
        return picture->answers ? picture->answers->said[question].text : "";
}

static bool replied(const struct health_picture *picture, enum health_question question)
{
        return picture->answers && picture->answers->said[question].reply == HEALTH_ANSWERED;
}

static bool is_registered(enum registration value)
{
        return value == REGISTRATION_HOME || value == REGISTRATION_ROAMING;
}

static bool traffic_is_recent(const struct health_picture *picture)
{
        return picture->smsd.traffic && picture->smsd.traffic_age < HEALTH_RECENT_TRAFFIC;
}

/* smsd gets its answers: whatever the spare port does. */
static bool smsd_works(const struct health_picture *picture)
{
        const struct health_smsd *smsd = &picture->smsd;

        return smsd->running && smsd->served && smsd->answered && !smsd->tty_deleted && !smsd->silent &&
               !smsd->stuck && !smsd->trouble && smsd->write_errors == 0;
}

/* ... and does something with them: without the network it only waits. Its log is late to say that it is
 * back. */
static bool smsd_takes_part(const struct health_picture *picture)
{
        bool back = picture->answers && is_registered(picture->answers->circuit);

        return smsd_works(picture) && (!picture->smsd.unregistered || back);
}

/* --- USB, power --- */

static bool download_mode(const struct health_picture *picture, char *evidence)
{
        return picture->present && picture->shape == PORT_MAP_DOWNLOAD_MODE &&
               SAY(evidence, "USB id 05c6:9008");
}

static bool crashed(const struct health_picture *picture, char *evidence)
{
        return picture->present && picture->shape == PORT_MAP_CRASHED &&
               SAY(evidence, "one USB interface, bcdDevice 0.00 (QHSUSB__BULK)");
}

static bool brown_out(const struct health_picture *picture, char *evidence)
{
        const struct health_kernel *kernel = &picture->kernel;

        if (kernel->usb_errors >= HEALTH_USB_ERRORS)
                return SAY(evidence, "the kernel reports USB error -%d, %u times in 10min%s",
                           kernel->usb_error, kernel->usb_errors,
                           kernel->undervoltage ? ", and undervoltage" : "");
        bool suffers = kernel->usb_errors > 0 || !picture->present || picture->outcome == HEALTH_SILENT ||
                       (picture->answers && picture->answers->resets > 0);
        return kernel->undervoltage && suffers && SAY(evidence, "the kernel reports undervoltage");
}

static bool gone(const struct health_picture *picture, char *evidence)
{
        return !picture->present && picture->expected && SAY(evidence, "it is not on the bus");
}

/* We took it off the bus ourselves. */
static bool away(const struct health_picture *picture, char *evidence)
{
        return !picture->present && SAY(evidence, "it is off the bus for a reset of ours");
}

static bool ports_missing(const struct health_picture *picture, char *evidence)
{
        return (picture->ports_missing || picture->shape == PORT_MAP_NO_AT_INTERFACE) &&
               SAY(evidence, "it is on the bus, but not all of its ttys are there");
}

/* --- other programs --- */

static bool name_holder(const struct port_holder *holder, char *evidence)
{
        return SAY(evidence, "%s (pid %d%s%s) holds smsd's port", holder->command, (int)holder->id.pid,
                   holder->unit[0] ? ", " : "", holder->unit);
}

static bool modem_manager(const struct health_picture *picture, char *evidence)
{
        const struct port_holder *holder = &picture->holder;

        return holder->id.pid != 0 &&
               (text_equal(holder->command, "ModemManager") ||
                text_starts_with(holder->unit, "ModemManager")) &&
               name_holder(holder, evidence);
}

static bool port_held(const struct health_picture *picture, char *evidence)
{
        return picture->holder.id.pid != 0 && name_holder(&picture->holder, evidence);
}

/* --- SIM, radio --- */

static bool radio_off(const struct health_picture *picture, char *evidence)
{
        const struct modem_facts *facts = facts_of(picture);

        return facts && facts->functionality >= 0 && facts->functionality != 1 &&
               SAY(evidence, "%s", said(picture, HEALTH_ASK_FUNCTIONALITY));
}

/* The modem's word, where it was asked; else what made smsd's handler end. */
static bool sim_is(const struct health_picture *picture, enum sim_state state, char *evidence)
{
        const struct modem_facts *facts = facts_of(picture);

        if (facts && facts->sim != SIM_UNKNOWN)
                return facts->sim == state && SAY(evidence, "%s", said(picture, HEALTH_ASK_SIM));
        return picture->smsd.sim == state && SAY(evidence, "smsd's log: SIM %s", sim_state_to_string(state));
}

static bool sim_puk(const struct health_picture *picture, char *evidence)
{
        return sim_is(picture, SIM_PUK, evidence);
}

/* Its handler has just begun; without the right PIN it will end. */
static bool sim_pin_entered(const struct health_picture *picture, char *evidence)
{
        return picture->smsd.served && !picture->smsd.answered && picture->smsd.sim == SIM_UNKNOWN &&
               sim_is(picture, SIM_PIN, evidence);
}

static bool sim_pin(const struct health_picture *picture, char *evidence)
{
        return sim_is(picture, SIM_PIN, evidence);
}

static bool sim_absent(const struct health_picture *picture, char *evidence)
{
        return sim_is(picture, SIM_ABSENT, evidence);
}

static bool sim_failure(const struct health_picture *picture, char *evidence)
{
        if (sim_is(picture, SIM_FAILURE, evidence))
                return true;
        /* A modem that only says ERROR (AT+CMEE=0) has no SIM that works either. */
        return picture->answers && picture->answers->facts.sim == SIM_UNKNOWN &&
               picture->answers->said[HEALTH_ASK_SIM].reply == HEALTH_REFUSED &&
               SAY(evidence, "AT+CPIN?: %s", said(picture, HEALTH_ASK_SIM));
}

static bool sim_busy(const struct health_picture *picture, char *evidence)
{
        const struct modem_facts *facts = facts_of(picture);

        if (sim_is(picture, SIM_BUSY, evidence))
                return true;
        if (picture->answers && picture->answers->sim_lost)
                return SAY(evidence, "the SIM was lost while the modem was asked");
        /* Bit 2: SMS DONE. Some firmware never says so, and works. */
        return facts && facts->init_status >= 0 && !(facts->init_status & 2) && !traffic_is_recent(picture) &&
               SAY(evidence, "%s (SMS not ready)", said(picture, HEALTH_ASK_INIT_STATUS));
}

/* --- the modem itself --- */

static bool self_reset(const struct health_picture *picture, char *evidence)
{
        const struct health_answers *answers = picture->answers;

        if (answers && (answers->resets > 0 || (answers->booted && picture->seen_before)))
                return SAY(evidence, "RDY in mid-session: the modem restarted by itself");
        /* Its URCs go to another port: here its default is all that shows. */
        return answers && answers->echoed && picture->echo_kept &&
               SAY(evidence, "echo is on again: the modem restarted by itself");
}

static bool silent(const struct health_picture *picture, char *evidence)
{
        if (picture->outcome == HEALTH_SILENT && !smsd_works(picture))
                return SAY(evidence, "no answer to AT on its spare port%s",
                           picture->smsd.silent ? ", and none for smsd" : "");
        if (picture->outcome != HEALTH_RUNNING)
                return false;
        return (picture->smsd.silent &&
                SAY(evidence, "smsd's log: the modem is not ready to answer commands")) ||
               (picture->mute && SAY(evidence, "no answer to AT since it is plugged in"));
}

/* --- smsd: the rest is health_smsd.c --- */

static bool sending_blocked(const struct health_picture *picture, char *evidence)
{
        return picture->smsd.blocked &&
               SAY(evidence, "smsd blocks sending after failures%s%s",
                   picture->answers && picture->answers->ims == IMS_ON ? "; IMS is on: " : "",
                   picture->answers && picture->answers->ims == IMS_ON ? said(picture, HEALTH_ASK_IMS) : "");
}

/* --- the network --- */

/* Asked, and nowhere in: only then is what it says about the network true of SMS. */
static bool is_nowhere(const struct health_picture *picture)
{
        return replied(picture, HEALTH_ASK_CREG) && !is_registered(picture->answers->facts.registration);
}

static bool denied(const struct health_picture *picture, char *evidence)
{
        const struct health_answers *answers = picture->answers;

        if (is_nowhere(picture) && answers->circuit == REGISTRATION_DENIED)
                return SAY(evidence, "%s (denied)", said(picture, HEALTH_ASK_CREG));
        if (is_nowhere(picture) && answers->packet == REGISTRATION_DENIED)
                return SAY(evidence, "%s (denied)", said(picture, HEALTH_ASK_CEREG));
        return !replied(picture, HEALTH_ASK_CREG) && picture->smsd.denied &&
               SAY(evidence, "smsd's log, or its probe: registration denied");
}

/* Registered and 99,99 is a modem that has not measured yet, unless it says NOSERVICE as well. */
static bool no_signal(const struct health_picture *picture, char *evidence)
{
        if (!replied(picture, HEALTH_ASK_SIGNAL) || picture->answers->facts.signal_dbm != 0)
                return false;
        if (picture->answers->no_service)
                return SAY(evidence, "no signal: %s, %s", said(picture, HEALTH_ASK_SIGNAL),
                           said(picture, HEALTH_ASK_SERVICE));
        return is_nowhere(picture) && !replied(picture, HEALTH_ASK_SERVICE) &&
               SAY(evidence, "no signal: %s", said(picture, HEALTH_ASK_SIGNAL));
}

/* LTE only: without the circuit domain SMS goes by IMS, which is off; or it is on, and sending fails. */
static bool ims(const struct health_picture *picture, char *evidence)
{
        const struct health_answers *answers = picture->answers;

        if (!replied(picture, HEALTH_ASK_CREG) || is_registered(answers->circuit) ||
            !is_registered(answers->packet) || answers->ims == IMS_UNKNOWN)
                return false;
        bool off = answers->ims == IMS_OFF || answers->ims_active == 0;
        return (off || picture->smsd.blocked) &&
               SAY(evidence, "%s, %s, %s (%s)", said(picture, HEALTH_ASK_CREG),
                   said(picture, HEALTH_ASK_CEREG), said(picture, HEALTH_ASK_IMS),
                   off ? "LTE only, and IMS off" : "IMS on, and sending fails");
}

static bool unregistered(const struct health_picture *picture, char *evidence)
{
        if (is_nowhere(picture))
                return SAY(evidence, "%s (%s)", said(picture, HEALTH_ASK_CREG),
                           registration_to_string(picture->answers->circuit));
        /* smsd judges by AT+CREG? alone. */
        return picture->smsd.unregistered &&
               !(picture->answers && is_registered(picture->answers->circuit)) &&
               SAY(evidence, "smsd's log: the modem is not registered%s%s",
                   replied(picture, HEALTH_ASK_CEREG) ? "; " : "", said(picture, HEALTH_ASK_CEREG));
}

/* --- storage --- */

static enum health_storage storage_of(const struct health_picture *picture)
{
        const struct modem_facts *facts = facts_of(picture);

        if (picture->answers && picture->answers->storage_full)
                return STORAGE_FULL;
        if (!facts || facts->storage_total <= 0 || facts->storage_used < 0)
                return STORAGE_UNKNOWN;
        if (facts->storage_used >= facts->storage_total)
                return STORAGE_FULL;
        return facts->storage_used * 100 >= facts->storage_total * HEALTH_NEARLY_FULL ? STORAGE_NEARLY_FULL
                                                                                      : STORAGE_WELL;
}

static bool say_storage(const struct health_picture *picture, const char *what, char *evidence)
{
        const struct modem_facts *facts = facts_of(picture);

        if (!facts || facts->storage_total <= 0)
                return SAY(evidence, "%s: +QIND: \"smsfull\"", what);
        return SAY(evidence, "%s: %d of %d", what, facts->storage_used, facts->storage_total);
}

static bool storage_full(const struct health_picture *picture, char *evidence)
{
        return storage_of(picture) == STORAGE_FULL && say_storage(picture, "storage full", evidence);
}

static bool storage_nearly_full(const struct health_picture *picture, char *evidence)
{
        return storage_of(picture) == STORAGE_NEARLY_FULL &&
               say_storage(picture, "storage nearly full", evidence);
}

/* --- doubts, and health --- */

static bool undervoltage(const struct health_picture *picture, char *evidence)
{
        return picture->kernel.undervoltage && SAY(evidence, "the kernel reports undervoltage");
}

static bool half_answered(const struct health_picture *picture, char *evidence)
{
        if (picture->outcome == HEALTH_PARTIAL)
                return SAY(evidence, "the modem left questions unanswered");
        return picture->outcome == HEALTH_SILENT &&
               SAY(evidence, "its spare port is silent; it answers smsd");
}

/* The modem's own port has said that it can, or smsd is seen to. */
static bool is_proven(const struct health_picture *picture)
{
        bool asked = picture->outcome == HEALTH_COMPLETE && picture->answers->facts.sim == SIM_READY &&
                     is_registered(picture->answers->facts.registration);

        return asked || smsd_takes_part(picture);
}

static bool proven(const struct health_picture *picture, char *evidence)
{
        evidence[0] = '\0';
        return is_proven(picture);
}

static bool nearly_full(const struct health_picture *picture, char *evidence)
{
        return is_proven(picture) && storage_nearly_full(picture, evidence);
}

static bool anything(const struct health_picture *picture, char *evidence)
{
        (void)picture;
        return SAY(evidence, "nothing has answered yet");
}

#define NO_STEP  FAILURE_NONE
#define NO_ALERT ALERT_KIND_MAX, SEVERITY_INFO
#define UNUSABLE ALERT_MODEM_UNUSABLE, SEVERITY_CRITICAL
#define NETWORK  ALERT_MODEM_NETWORK, SEVERITY_WARNING
#define STUCK    ALERT_MODEM_STUCK, SEVERITY_CRITICAL
#define HELD     ALERT_PORT_HELD, SEVERITY_CRITICAL

/* clang-format off */
static const struct finding findings[] = {
    {"download-mode", FAILURE_DOWNLOAD_MODE, HEALTH_ILL, false, false, UNUSABLE, NULL, NULL, download_mode},
    {"crashed", FAILURE_CRASHED, HEALTH_ILL, false, false, UNUSABLE, NULL, NULL, crashed},
    {"brown-out", FAILURE_BROWN_OUT, HEALTH_ILL, false, false, ALERT_MODEM_POWER, SEVERITY_CRITICAL, NULL, NULL, brown_out},
    {"gone", FAILURE_GONE, HEALTH_ILL, false, false, ALERT_MODEM_LOST, SEVERITY_CRITICAL, NULL, NULL, gone},
    {"away", NO_STEP, HEALTH_DOUBTFUL, false, false, NO_ALERT, "it is being reset", "nothing: it comes back in a minute", away},
    {"ports-missing", FAILURE_PORTS_MISSING, HEALTH_ILL, false, false, UNUSABLE, NULL, NULL, ports_missing},
    {"modem-manager", NO_STEP, HEALTH_ILL, false, false, HELD, "ModemManager has opened smsd's port",
     "keep ModemManager off the modem (udev: ID_MM_DEVICE_IGNORE=1), or `systemctl disable --now ModemManager`", modem_manager},
    {"port-held", NO_STEP, HEALTH_ILL, false, false, HELD, "another program has opened smsd's port", "end that program, or stop its unit",
     port_held},
    {"radio-off", FAILURE_RADIO_OFF, HEALTH_ILL, false, false, UNUSABLE, NULL, NULL, radio_off},
    {"sim-puk", FAILURE_SIM_PUK, HEALTH_ILL, false, false, UNUSABLE, NULL, NULL, sim_puk},
    {"sim-pin-entered", NO_STEP, HEALTH_DOUBTFUL, false, false, NO_ALERT, "smsd enters the PIN", "nothing: smsd enters the PIN",
     sim_pin_entered},
    {"sim-pin", FAILURE_SIM_PIN, HEALTH_ILL, false, false, UNUSABLE, NULL, NULL, sim_pin},
    {"sim-absent", FAILURE_SIM_ABSENT, HEALTH_ILL, false, false, UNUSABLE, NULL, NULL, sim_absent},
    {"sim-failure", FAILURE_SIM_FAILURE, HEALTH_ILL, false, false, UNUSABLE, NULL, NULL, sim_failure},
    {"self-reset", NO_STEP, HEALTH_DOUBTFUL, false, false, ALERT_MODEM_RESET, SEVERITY_WARNING, "it has restarted by itself",
     "if it comes again, check the power supply", self_reset},
    {"sim-busy", FAILURE_SIM_BUSY, HEALTH_ILL, false, false, UNUSABLE, NULL, NULL, sim_busy},
    {"hung-up", FAILURE_HUNG_UP, HEALTH_ILL, false, false, STUCK, NULL, NULL, health_port_hung_up},
    {"silent", FAILURE_SILENT, HEALTH_ILL, false, false, UNUSABLE, NULL, NULL, silent},
    /* smsd is brought back by the one path: no step of the ladder's is needed, and smsd-down tells of it. */
    {"tty-deleted", NO_STEP, HEALTH_ILL, false, false, NO_ALERT, "smsd's handler sits on a port that is gone",
     "nothing: smswarden restarts smsd", health_handler_on_deleted_tty},
    {"handler-orphaned", NO_STEP, HEALTH_ILL, false, false, NO_ALERT, "a handler of an earlier smsd lives on", "nothing: smswarden ends it",
     health_handler_orphaned},
    {"handler-fails", FAILURE_STUCK, HEALTH_ILL, false, false, NO_ALERT, "smsd's handler ends again and again", "see smsd's log for why it ends",
     health_handler_fails},
    {"smsd-dead", NO_STEP, HEALTH_ILL, false, false, NO_ALERT, "smsd does not run", "nothing: smswarden starts smsd", health_smsd_dead},
    {"denied", FAILURE_DENIED, HEALTH_ILL, false, false, NETWORK, NULL, NULL, denied},
    {"handler-dead", NO_STEP, HEALTH_ILL, false, false, NO_ALERT, "smsd does not serve it", "nothing: smswarden restarts smsd", health_handler_dead},
    {"no-signal", FAILURE_NO_SIGNAL, HEALTH_ILL, false, false, NETWORK, NULL, NULL, no_signal},
    {"ims", FAILURE_IMS, HEALTH_ILL, false, false, NETWORK, NULL, NULL, ims},
    {"unregistered", FAILURE_UNREGISTERED, HEALTH_ILL, false, false, NETWORK, NULL, NULL, unregistered},
    {"stuck", FAILURE_STUCK, HEALTH_ILL, false, false, STUCK, NULL, NULL, health_stuck},
    {"trouble", NO_STEP, HEALTH_ILL, false, false, STUCK, "smsd reports trouble with it", "see smsd's log", health_trouble},
    {"sending-blocked", FAILURE_SENDING_BLOCKED, HEALTH_ILL, false, true, STUCK, NULL, NULL, sending_blocked},
    {"storage-full", FAILURE_STORAGE_FULL, HEALTH_ILL, true, false, ALERT_MODEM_STORAGE, SEVERITY_CRITICAL, NULL, NULL, storage_full},
    {"undervoltage", NO_STEP, HEALTH_DOUBTFUL, true, true, ALERT_MODEM_POWER, SEVERITY_WARNING, "the box gets too little voltage",
     "replace the power supply or the cable", undervoltage},
    {"write-failed", NO_STEP, HEALTH_DOUBTFUL, false, false, NO_ALERT, "smsd could not write to its port", "nothing: it is watched",
     health_write_failed},
    {"half-answered", NO_STEP, HEALTH_DOUBTFUL, true, true, NO_ALERT, "it answers in part", "nothing: it is asked again", half_answered},
    {"unverified", NO_STEP, HEALTH_DOUBTFUL, false, false, NO_ALERT, "its first answers to smsd are awaited",
     "wait a minute; then `smswarden modems`", health_unverified},
    {"storage-nearly-full", NO_STEP, HEALTH_WELL, true, true, ALERT_MODEM_STORAGE, SEVERITY_WARNING,
     "its memory for messages is nearly full", "delete read messages, or set [storage] cleanup = yes", nearly_full},
    {"well", NO_STEP, HEALTH_WELL, true, true, NO_ALERT, "it works", "nothing", proven},
    {"unknown", NO_STEP, HEALTH_UNKNOWN, false, false, NO_ALERT, "nothing has answered yet", "nothing: it is asked again", anything},
};
/* clang-format on */

static void take(struct health_verdict *verdict, const struct finding *finding)
{
        verdict->state = finding->state;
        verdict->cause = finding->cause;
        verdict->kind = finding->kind;
        verdict->what = finding->what ? finding->what : failure_describe(finding->kind);
        verdict->alert = finding->alert;
        verdict->severity = finding->severity;
        verdict->can_send = finding->sends;
        verdict->can_receive = finding->receives;
        (void)text_copy(verdict->next_action, sizeof(verdict->next_action),
                        finding->action ? finding->action : failure_advice(finding->kind));
}

bool health_finding_at(unsigned index, struct health_verdict *ret_verdict)
{
        if (index >= ARRAY_SIZE(findings))
                return false;
        *ret_verdict = (struct health_verdict){0};
        take(ret_verdict, &findings[index]);
        return true;
}

void health_judge(const struct health_picture *picture, struct health_verdict *ret_verdict)
{
        const struct finding *finding = findings;

        *ret_verdict = (struct health_verdict){0};
        while (!finding->applies(picture, ret_verdict->evidence))
                finding++; /* the last one always applies */
        take(ret_verdict, finding);
        /* Through a modem that smsd does not serve nothing flows, however well it is. */
        bool flows = smsd_takes_part(picture);
        ret_verdict->can_send &= flows && !picture->smsd.blocked;
        ret_verdict->storage = storage_of(picture);
        ret_verdict->can_receive &= flows && ret_verdict->storage != STORAGE_FULL;
        ret_verdict->roaming =
            picture->answers && picture->answers->facts.registration == REGISTRATION_ROAMING;
}
